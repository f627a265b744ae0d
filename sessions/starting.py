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
    """Those who wait because WhatsApp could not be reached. The first who reaches it again tells the others."""

    def __init__(self, *, random: Random, spread_seconds: float) -> None:
        self._random = random
        self._spread = spread_seconds
        self._waiting: set[asyncio.Event] = set()

    @property
    def waiting(self) -> int:
        """How many wait for the end."""
        return len(self._waiting)

    async def wait(self, seconds: float, *, unless: asyncio.Event) -> None:
        """Wait so long, or until the outage is over and some chance has been added, or until the event."""
        over = asyncio.Event()
        self._waiting.add(over)
        deadline = asyncio.get_running_loop().time() + seconds
        try:
            if await _first_of(over, unless, deadline=deadline) is over:
                sooner = asyncio.get_running_loop().time() + self._random.uniform(0.0, self._spread)
                await _first_of(unless, deadline=min(deadline, sooner))
        finally:
            self._waiting.discard(over)

    def is_over(self) -> None:
        """Somebody has reached WhatsApp."""
        for over in self._waiting:
            over.set()


@dataclass(frozen=True)
class Starting:
    """What slots share about their starts."""

    turns: Turns
    outage: Outage


async def _first_of(*events: asyncio.Event, deadline: float) -> asyncio.Event | None:
    """The first of the events to come before the deadline, if any does."""
    waits = {asyncio.create_task(event.wait()): event for event in events}
    left = max(0.0, deadline - asyncio.get_running_loop().time())
    try:
        done, _ = await asyncio.wait(waits, timeout=left, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
    return next((waits[wait] for wait in waits if wait in done), None)
