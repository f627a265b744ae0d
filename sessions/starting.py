"""Many sessions that come back at once: few processes start at a time, and the end of an outage is passed on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from random import Random


class Turn:
    """The right to start a process now. Ending it twice is ending it once."""

    def __init__(self, give_back: Callable[[], None]) -> None:
        self._give_back: Callable[[], None] | None = give_back

    def end(self) -> None:
        """The process has started, or never will."""
        give_back, self._give_back = self._give_back, None
        if give_back is not None:
            give_back()


class Turns:
    """Lets only so many processes start at once: a hundred that share two cores would all be late."""

    def __init__(self, *, limit: int) -> None:
        self._free = asyncio.Semaphore(limit)

    async def take(self, *, unless: asyncio.Event) -> Turn | None:
        """Wait for a turn; None when the event comes first."""
        getting = asyncio.create_task(self._free.acquire())
        leaving = asyncio.create_task(unless.wait())
        try:
            await asyncio.wait({getting, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaving.cancel()
            if not getting.done():
                getting.cancel()
        if not getting.done() or getting.cancelled():
            return None
        turn = Turn(self._free.release)
        if unless.is_set():
            turn.end()
            return None
        return turn


class Outage:
    """Those who wait because WhatsApp could not be reached.

    Each try costs a process, so however many wait, only one of them tries every few seconds; the first who reaches
    WhatsApp again tells all the others.
    """

    def __init__(self, *, random: Random, spread_seconds: float, between_tries_seconds: float) -> None:
        self._random = random
        self._spread = spread_seconds
        self._between_tries = between_tries_seconds
        self._next_try_at = 0.0
        self._waiting: set[asyncio.Event] = set()

    @property
    def waiting(self) -> int:
        """How many wait for the end."""
        return len(self._waiting)

    async def wait(self, seconds: float, *, unless: asyncio.Event) -> None:
        """Wait so long and for one's turn to try, or until the outage is over and some chance has been added."""
        over = asyncio.Event()
        self._waiting.add(over)
        try:
            deadline = _now() + seconds
            while (first := await _first_of(over, unless, deadline=deadline)) is None and not self._takes_its_turn():
                deadline = _now() + self._random.uniform(0.5, 1.5) * self._between_tries
        finally:
            self._waiting.discard(over)
        if first is over:
            await _first_of(unless, deadline=_now() + self._random.uniform(0.0, self._spread))

    def is_over(self) -> None:
        """Somebody has reached WhatsApp."""
        for over in self._waiting:
            over.set()

    def _takes_its_turn(self) -> bool:
        now = _now()
        if now < self._next_try_at:
            return False
        self._next_try_at = now + self._between_tries
        return True


@dataclass(frozen=True)
class Starting:
    """What slots share about their starts."""

    turns: Turns
    outage: Outage


async def _first_of(*events: asyncio.Event, deadline: float) -> asyncio.Event | None:
    """The first of the events to come before the deadline, if any does."""
    waits = {asyncio.create_task(event.wait()): event for event in events}
    left = max(0.0, deadline - _now())
    try:
        done, _ = await asyncio.wait(waits, timeout=left, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
    return next((waits[wait] for wait in waits if wait in done), None)


def _now() -> float:
    return asyncio.get_running_loop().time()
