"""One pairing attempt as its watchers see it."""

from __future__ import annotations

import asyncio
from datetime import datetime
from enum import StrEnum

import msgspec

from sessions.status import Reason


class PairingPhase(StrEnum):
    """How far an attempt has come."""

    WAITING = "waiting"  #: for WhatsApp to give a code
    SHOWING = "showing"  #: a QR code is on offer
    LINKING = "linking"  #: a phone has scanned it or taken the phone code
    CONNECTED = "connected"
    ENDED = "ended"  #: without a link; the reason says why


#: From this code of a round on, WhatsApp soon has no more: ask in time for another round.
LATE_INDEX = 5

OVER = frozenset({PairingPhase.CONNECTED, PairingPhase.ENDED})


class PairingState(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to see at one moment. Holds secrets: never stored, never logged."""

    phase: PairingPhase = PairingPhase.WAITING
    version: int = 0
    qr: str | None = None
    index: int = 0
    valid_seconds: float = 0.0
    expires_at: datetime | None = None
    phone_code: str | None = None
    reason: Reason | None = None

    @property
    def is_over(self) -> bool:
        return self.phase in OVER


class Attempt:
    """The state of one session's attempt, who watches it, and until when somebody is taken to be waiting."""

    def __init__(self, *, session_id: int, rounds: int) -> None:
        self.session_id = session_id
        self.state = PairingState()
        self.rounds_left = rounds
        self.watchers = 0
        self.wanted_until = 0.0  #: monotonic; the end of the last lease
        self.accepted: bool | None = None  #: whether the phone that linked itself may stay
        self.round_due = True  #: the engine must be asked for codes
        self.code_lock = asyncio.Lock()
        self.code_for: tuple[str, float] | None = None  #: the phone that the phone code is for, and when it was asked
        self.has_begun = False  #: what the engine said before was about an earlier link
        self._changed = asyncio.Event()

    def publish(self, **changes: object) -> None:
        """Change the state and wake everybody who waits for that."""
        self.state = msgspec.structs.replace(self.state, version=self.state.version + 1, **changes)
        self.nudge()

    def nudge(self) -> None:
        """Wake who waits, without a change of state."""
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    def show(self, *, qr: str, index: int, valid_seconds: float, expires_at: datetime) -> None:
        """A code is on offer. The first of a new round makes the phone code of the last one worthless."""
        if index < self.state.index:
            self.publish(phone_code=None)
        if index >= LATE_INDEX and self.rounds_left > 0:
            self.rounds_left -= 1
            self.round_due = True
        self.publish(phase=PairingPhase.SHOWING, qr=qr, index=index, valid_seconds=valid_seconds, expires_at=expires_at)

    def renew(self) -> None:
        """The codes ran out all the same: forget them and ask for new ones."""
        self.rounds_left -= 1
        self.round_due = True
        self.publish(phase=PairingPhase.WAITING, qr=None, index=0, phone_code=None, expires_at=None)

    def end(self, reason: Reason | None) -> None:
        """There will be no link from this attempt."""
        self.publish(phase=PairingPhase.ENDED, reason=reason, qr=None, phone_code=None, expires_at=None)

    def is_wanted(self, now: float) -> bool:
        """Whether somebody watches or has asked a short while ago."""
        return self.watchers > 0 or now < self.wanted_until

    async def wait_change(self, *, timeout_seconds: float | None = None) -> bool:
        """Wait to be woken; False when the time is up first."""
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._changed.wait()
        except TimeoutError:
            return False
        return True

    async def after(self, version: int) -> PairingState:
        """The first state later than ``version``; at once when there is one."""
        while self.state.version <= version:
            await self.wait_change()
        return self.state
