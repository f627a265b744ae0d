"""Which classes of a session's messages wait together, for what, and until when."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from gateway.pacing.classes import PaceClass


@dataclass(frozen=True)
class Closure:
    """No message of the class goes before ``until``."""

    until: datetime
    reason: str


class Closures:
    """Kept in memory: a daemon that starts anew judges one message of each class and knows again.

    So a thousand messages that wait for the same thing cost one judgement, not a thousand. What is kept is worth
    something only as long as its basis stands: the pace and the standing of the session that it was judged by.
    """

    def __init__(self) -> None:
        self._closures: dict[int, dict[PaceClass, Closure]] = {}
        self._bases: dict[int, object] = {}
        self._listeners: list[Callable[[], None]] = []

    def when_closed(self, callback: Callable[[], None]) -> None:
        """Have somebody told, on the event loop, that there is a new end to wait for."""
        self._listeners.append(callback)

    def close(self, session_id: int, classes: frozenset[PaceClass], *, until: datetime, reason: str) -> None:
        """Let these classes wait."""
        closed = dict(self._closures.get(session_id, {}))
        for one in classes:
            if one not in closed or closed[one].until < until:
                closed[one] = Closure(until, reason)
        self._closures[session_id] = closed

    def tell(self) -> None:
        """Call once the verdict that closed something is committed."""
        for listener in self._listeners:
            listener()

    def stands_on(self, session_id: int, basis: object) -> bool:
        """Whether what is known of a session was judged by this."""
        return self._bases.get(session_id) == basis

    def reopen(self, session_id: int) -> None:
        """Nothing waits together any more."""
        self._closures.pop(session_id, None)

    def found(self, session_id: int, basis: object) -> None:
        """From now on everything known of a session is judged by this."""
        self._bases[session_id] = basis

    def closed(self, session_id: int, *, at: datetime) -> frozenset[PaceClass]:
        """The classes that wait now."""
        closures = self._closures.get(session_id)
        if not closures:
            return frozenset()
        return frozenset(one for one, closure in closures.items() if closure.until > at)

    def find(self, session_id: int, pace_class: int | None, *, at: datetime) -> Closure | None:
        """What a class of messages waits for now."""
        if pace_class is None:
            return None
        closure = self._closures.get(session_id, {}).get(PaceClass(pace_class))
        return closure if closure is not None and closure.until > at else None

    def ends(self, *, at: datetime) -> list[datetime]:
        """When those who wait now may be judged again; what has ended is forgotten."""
        ends: list[datetime] = []
        for session_id, closures in list(self._closures.items()):
            waiting = {one: closure for one, closure in closures.items() if closure.until > at}
            ends.extend(closure.until for closure in waiting.values())
            if not waiting:
                self._closures.pop(session_id, None)
        return ends
