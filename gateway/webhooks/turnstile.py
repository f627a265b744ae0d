"""How many requests to endpoints may be under way, so that slow endpoints wait for each other only."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

#: Requests to endpoints that answer quickly, and to those that do not.
BRISK_LIMIT: Final = 256
SLOW_LIMIT: Final = 128
#: A request that takes longer belongs to the slow ones, and so do the next ones to its endpoint.
PATIENCE_SECONDS: Final = 1.0


class Pass:
    """Leave to make one request."""

    def __init__(self, places: asyncio.Semaphore) -> None:
        self._places = places
        self._holds = True

    def give_back(self) -> None:
        """Free the place, once; others may have it from now on."""
        if self._holds:
            self._holds = False
            self._places.release()


class Turnstile:
    """Two limits, so that however many endpoints hang, those that answer never wait for a place.

    A brisk request that turns out to be slow gives its place back at once and is then only remembered by its lane,
    which has at most a few of them; the next one of that lane has to wait for a place among the slow.
    """

    def __init__(
        self,
        *,
        brisk_limit: int = BRISK_LIMIT,
        slow_limit: int = SLOW_LIMIT,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._brisk = asyncio.Semaphore(brisk_limit)
        self._slow = asyncio.Semaphore(slow_limit)
        self._patience_seconds = patience_seconds

    @property
    def patience_seconds(self) -> float:
        """What takes longer is slow."""
        return self._patience_seconds

    @asynccontextmanager
    async def enter(self, *, slow: bool) -> AsyncIterator[None]:
        """Wait for a place and keep it until the request has ended, or, among the brisk, until it takes too long."""
        places = self._slow if slow else self._brisk
        await places.acquire()
        leave = Pass(places)
        timer = None
        if not slow:
            timer = asyncio.get_running_loop().call_later(self._patience_seconds, leave.give_back)
        try:
            yield
        finally:
            if timer is not None:
                timer.cancel()
            leave.give_back()
