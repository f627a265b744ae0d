"""Which sessions shall not send for a while, and why: what WhatsApp or a lost connection has taught the lanes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from gateway.kit.clock import Clock
from sessions.errors import BusyError


@dataclass(frozen=True)
class Rest:
    """A session sends nothing before ``until``; ``reason`` is the code of the error that said so."""

    until: datetime
    reason: str


class Rests:
    """Kept in memory: a daemon that starts anew may try once, and is told again."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._rests: dict[int, Rest] = {}
        self._strikes: Counter[int] = Counter()
        self._stalls: Counter[int] = Counter()
        self._went_well_at: dict[int, datetime] = {}

    def of(self, session_id: int) -> Rest | None:
        """The rest that a session is taking now."""
        rest = self._rests.get(session_id)
        return rest if rest is not None and rest.until > self._clock.now() else None

    def begin(self, session_id: int, *, until: datetime, reason: str) -> None:
        """Let a session rest."""
        self._rests[session_id] = Rest(until, reason)

    def reconnected(self, session_id: int) -> None:
        """The session has come up: what it waited for is there, unless WhatsApp itself asked it to slow down."""
        rest = self._rests.get(session_id)
        if rest is None or rest.reason != BusyError.code:
            self._rests.pop(session_id, None)
            self._strikes.pop(session_id, None)

    def ends(self) -> list[datetime]:
        """When the rests that are being taken end."""
        now = self._clock.now()
        return [rest.until for rest in self._rests.values() if rest.until > now]

    def strike(self, session_id: int) -> int:
        """The session was told to wait; gives how often in a row."""
        self._strikes[session_id] += 1
        return self._strikes[session_id]

    def stall(self, message_id: int) -> int:
        """A message found no connection although its session has one; gives how often in a row."""
        self._stalls[message_id] += 1
        return self._stalls[message_id]

    def forget_stalls(self, message_id: int) -> None:
        """It was not the message's fault."""
        self._stalls.pop(message_id, None)

    def went_well(self, session_id: int, message_id: int) -> None:
        """A message was sent: both counts begin anew."""
        self._went_well_at[session_id] = self._clock.now()
        self._strikes.pop(session_id, None)
        self._stalls.pop(message_id, None)

    def went_well_at(self, session_id: int) -> datetime | None:
        """When the session last sent a message, in this life of the daemon."""
        return self._went_well_at.get(session_id)
