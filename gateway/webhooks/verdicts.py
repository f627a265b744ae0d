"""Lets somebody wait until a delivery has been tried."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class Verdicts:
    """Who waits for which delivery. On the event loop only."""

    def __init__(self) -> None:
        self._waiting: dict[int, list[asyncio.Event]] = {}

    @contextmanager
    def expect(self, delivery_id: int) -> Iterator[asyncio.Event]:
        """An event that is set after the next try of this delivery has been written down."""
        tried = asyncio.Event()
        self._waiting.setdefault(delivery_id, []).append(tried)
        try:
            yield tried
        finally:
            others = self._waiting[delivery_id]
            others.remove(tried)
            if not others:
                del self._waiting[delivery_id]

    def tell(self, delivery_id: int) -> None:
        """A try of this delivery has been written down."""
        for tried in self._waiting.get(delivery_id, ()):
            tried.set()
