"""Observation points: no-ops in production, awaitable in tests instead of sleeping."""

from __future__ import annotations

import asyncio
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Signal(Generic[Value]):
    """A moment worth waiting for. Code calls :meth:`fire`; a test that called :meth:`watch` before can wait for it."""

    def __init__(self) -> None:
        self._seen: asyncio.Queue[Value] | None = None

    def watch(self) -> None:
        """Start collecting; without this, firing costs one comparison."""
        self._seen = asyncio.Queue()

    def fire(self, value: Value) -> None:
        """Say that the moment has come."""
        if self._seen is not None:
            self._seen.put_nowait(value)

    async def wait(self, *, timeout_seconds: float = 10.0) -> Value:
        """The next value fired since :meth:`watch`; raises TimeoutError."""
        if self._seen is None:
            raise RuntimeError("watch() first: what was fired before cannot be waited for")
        async with asyncio.timeout(timeout_seconds):
            return await self._seen.get()
