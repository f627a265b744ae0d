"""How many requests one caller may make: the generic cell rate algorithm, in memory."""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass

from gateway.kit.clock import Clock
from gateway.kit.errors import TooManyError

_REMEMBERED_CALLERS = 10_000


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left to a caller after this request."""

    limit: int
    remaining: int
    reset_seconds: float
    retry_after_seconds: float | None  #: None when the request may go on

    def headers(self) -> dict[str, str]:
        """The ``RateLimit`` headers."""
        reset = math.ceil(self.reset_seconds)
        return {
            "RateLimit-Policy": f'"default";q={self.limit}',
            "RateLimit": f'"default";r={self.remaining};t={reset}',
        }

    def demand(self) -> None:
        """Raise TooManyError when nothing is left."""
        if self.retry_after_seconds is not None:
            raise TooManyError(
                "This key or user makes too many requests.",
                code="rate_limited",
                retry_after_seconds=self.retry_after_seconds,
            )


class RateLimiter:
    """Lets each caller make ``per_second`` requests on the long run and ``burst`` at once."""

    def __init__(self, *, clock: Clock, per_second: float, burst: int) -> None:
        self._clock = clock
        self._interval = 1.0 / per_second
        self._burst = burst
        self._due: OrderedDict[object, float] = OrderedDict()  #: when each caller's bucket is full again

    def take(self, caller: object) -> Allowance:
        """Count one request of a caller."""
        now = self._clock.monotonic()
        full_at = max(self._due.pop(caller, now), now)
        room = self._burst * self._interval - (full_at - now)
        # A millionth of the interval forgives what floating point loses.
        if room + self._interval * 1e-6 < self._interval:
            self._keep(caller, full_at)
            return Allowance(self._burst, 0, full_at - now, self._interval - room)
        full_at += self._interval
        self._keep(caller, full_at)
        remaining = int((room - self._interval) / self._interval + 1e-6)
        return Allowance(self._burst, remaining, full_at - now, None)

    def _keep(self, caller: object, full_at: float) -> None:
        self._due[caller] = full_at
        while len(self._due) > _REMEMBERED_CALLERS:
            self._due.popitem(last=False)
