"""An event on its way to those who listen; what it looks like from outside is made once for all of them."""

from __future__ import annotations

from functools import cached_property

from gateway.events.models import Event
from gateway.events.schemas import encode_envelope
from gateway.kit.ids import render_id


class Told:
    """One committed event."""

    def __init__(self, event: Event) -> None:
        self.event = event
        self.position: int = event.id
        self.org_id: int = event.org_id
        self.session_id: int | None = event.session_id
        self.type: str = event.type

    @cached_property
    def json(self) -> bytes:
        """The envelope."""
        return encode_envelope(self.event)

    @cached_property
    def frame(self) -> bytes:
        """The envelope as a server-sent event."""
        event_id = render_id("evt", self.position)
        return b"id: %s\r\nevent: %s\r\ndata: %s\r\n\r\n" % (event_id.encode(), self.type.encode(), self.json)
