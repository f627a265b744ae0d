"""One-time tickets: a browser cannot put an API key into the headers of a WebSocket, and must not put it into a URL."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

from gateway.kit.clock import Clock
from gateway.kit.errors import UnauthorizedError
from gateway.principal import Principal

TICKET_SECONDS: Final = 30
_MOST: Final = 10_000

#: Says again whom the credentials stand for with which a ticket was asked for; raises UnauthorizedError.
Identify = Callable[[], Awaitable[Principal]]


class Tickets:
    """Kept in memory: a ticket works once, within seconds, at the daemon that gave it."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._waiting: OrderedDict[str, tuple[Identify, float]] = OrderedDict()

    def issue(self, identify: Identify) -> tuple[str, datetime]:
        """A new ticket, and until when it can be used."""
        ticket = f"tkt_{secrets.token_urlsafe(32)}"
        self._waiting[ticket] = (identify, self._clock.monotonic() + TICKET_SECONDS)
        while len(self._waiting) > _MOST or self._is_first_over():
            self._waiting.popitem(last=False)
        return ticket, self._clock.now() + timedelta(seconds=TICKET_SECONDS)

    def redeem(self, ticket: str) -> Identify:
        """Use a ticket up; raises UnauthorizedError."""
        identify, ends = self._waiting.pop(ticket, (None, 0.0))
        if identify is None or ends <= self._clock.monotonic():
            raise UnauthorizedError("The ticket was used already, or is too old.", code="ticket_refused")
        return identify

    def _is_first_over(self) -> bool:
        _, ends = next(iter(self._waiting.values()))
        return ends <= self._clock.monotonic()
