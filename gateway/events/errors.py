"""What can go wrong with the event log; codes are stable and documented."""

from __future__ import annotations

from gateway.kit.errors import ConflictError, GoneError, NotFoundError


class EventsGoneError(GoneError):
    """The detail says where the log begins now."""

    default_code = "events_gone"
    title = "Events after this position have been deleted"


class ConsumerNotFoundError(NotFoundError):
    default_code = "consumer_not_found"
    title = "There is no such consumer of events"


class LeaseLostError(ConflictError):
    """What the worker did counts no more: the same events are, or were, with another one."""

    default_code = "lease_lost"
    title = "The lease is over, and somebody else has the events now"


class TooManyConsumersError(ConflictError):
    default_code = "consumer_limit_reached"
    title = "There are as many consumers as an organization may have"
