"""How many requests at a time one endpoint can take, learnt from how it answers."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from gateway.webhooks.poster import Outcome

#: Requests to one endpoint at a time, when all goes well.
WIDTH: Final = 8
#: What a busy endpoint is given to breathe when it does not say how long, and the most that it may ask for.
_BREAK_SECONDS: Final = 5.0
_LONGEST_BREAK_SECONDS: Final = 300.0


class Pace:
    """Begins with one request and doubles with each success; any failure brings it back to one.

    An endpoint that says it is busy is left alone for a while: other events would only be refused as well, and each
    refusal costs one of the ten tries.
    """

    def __init__(self, *, slow: bool) -> None:
        self.slow = slow
        self._width = 1
        self._break_until: datetime | None = None

    @property
    def width(self) -> int:
        """Requests that may be under way at a time."""
        return 1 if self.slow else self._width

    def learn(self, outcome: Outcome, *, took_long: bool, now: datetime) -> None:
        """Note how a request ended."""
        self.slow = took_long
        self._width = min(self._width * 2, WIDTH) if outcome.delivered else 1
        if outcome.busy:
            asked = outcome.retry_after_seconds or _BREAK_SECONDS
            self._break_until = now + timedelta(seconds=min(asked, _LONGEST_BREAK_SECONDS))

    def rests_until(self, now: datetime) -> datetime | None:
        """When the next request may be made, where that is not now."""
        if self._break_until is not None and now >= self._break_until:
            self._break_until = None
        return self._break_until
