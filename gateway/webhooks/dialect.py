"""Ways of telling events to receivers that were written for another service than this one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from gateway.events.models import Event
from gateway.webhooks.models import PayloadKind


class Dialect(Protocol):
    """How one other service tells what happens."""

    def covers(self, event: Event) -> bool:
        """Whether it has a way to tell this event; what it has none for is not told to such an endpoint."""

    async def encode(self, event: Event) -> bytes:
        """The body for an event that is covered."""

    def sign(self, *, body: bytes, secret: str) -> dict[str, str]:
        """The headers by which the receiver knows us."""


Dialects = Mapping[PayloadKind, Dialect]
