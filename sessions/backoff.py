"""How long to wait before the next attempt, and when to stop trying."""

from __future__ import annotations

from collections import deque
from random import Random


class Backoff:
    """Waits that grow up to a limit, with full jitter so that many sessions do not come back at once."""

    def __init__(self, *, first_seconds: float, limit_seconds: float, random: Random) -> None:
        self._first = first_seconds
        self._limit = limit_seconds
        self._random = random
        self._attempts = 0

    def next_seconds(self) -> float:
        """How long to wait now; the limit doubles with each call."""
        ceiling = min(self._limit, self._first * 2.0 ** min(self._attempts, 32))
        self._attempts += 1
        return self._random.uniform(0.0, ceiling)

    def reset(self) -> None:
        """An attempt succeeded."""
        self._attempts = 0


class CrashCounter:
    """Notices when something ends unexpectedly too often within a stretch of time."""

    def __init__(self, *, limit: int, window_seconds: float) -> None:
        self._limit = limit
        self._window = window_seconds
        self._times: deque[float] = deque()

    def count(self, now: float) -> int:
        """Note one more end; return how many there were within the window."""
        self._times.append(now)
        while self._times and self._times[0] <= now - self._window:
            self._times.popleft()
        return len(self._times)

    @property
    def is_looping(self) -> bool:
        """Whether the last count reached the limit."""
        return len(self._times) >= self._limit

    def reset(self) -> None:
        self._times.clear()
