"""What can go wrong with the event log; codes are stable and documented."""

from __future__ import annotations

from gateway.kit.errors import GoneError


class EventsGoneError(GoneError):
    """The detail says where the log begins now."""

    default_code = "events_gone"
    title = "Events after this position have been deleted"
