"""The states of an endpoint and of a delivery, and the steps between them, as tables."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class EndpointState(StrEnum):
    """Whether an endpoint is told anything, and why not."""

    ACTIVE = "active"  #: the last try was good, or there was none yet
    FAILING = "failing"  #: the last try was not; it is still tried
    OFF = "off"  #: switched off by request
    GONE = "gone"  #: switched off because it answered 410
    DISABLED = "disabled"  #: switched off after days of nothing but failures


class DeliveryState(StrEnum):
    """Where a delivery stands."""

    PENDING = "pending"  #: to be tried, now or at its time
    DELIVERED = "delivered"
    DEAD = "dead"  #: given up; kept, and delivered once more on request


_E, _D = EndpointState, DeliveryState

#: From each state of an endpoint, the ones that may follow.
ENDPOINT_STEPS: Final[dict[EndpointState, frozenset[EndpointState]]] = {
    _E.ACTIVE: frozenset({_E.FAILING, _E.OFF, _E.GONE}),
    _E.FAILING: frozenset({_E.ACTIVE, _E.OFF, _E.GONE, _E.DISABLED}),
    _E.OFF: frozenset({_E.ACTIVE}),
    _E.GONE: frozenset({_E.ACTIVE, _E.OFF}),
    _E.DISABLED: frozenset({_E.ACTIVE, _E.OFF}),
}

#: From each state of a delivery, the ones that may follow.
DELIVERY_STEPS: Final[dict[DeliveryState, frozenset[DeliveryState]]] = {
    _D.PENDING: frozenset({_D.DELIVERED, _D.DEAD}),
    _D.DELIVERED: frozenset({_D.PENDING}),
    _D.DEAD: frozenset({_D.PENDING}),
}

#: Endpoints in these states are told what happens.
SERVED: Final = frozenset({_E.ACTIVE, _E.FAILING})


class IllegalStepError(AssertionError):
    """The program tried a step that the tables do not have: a fault of ours, never a caller's."""


def endpoint_step(current: str, following: EndpointState) -> str:
    """The state that follows; staying is fine. Raises IllegalStepError."""
    if following != current and following not in ENDPOINT_STEPS[EndpointState(current)]:
        raise IllegalStepError(f"a {current} endpoint cannot become {following}")
    return following.value


def delivery_step(current: str, following: DeliveryState) -> str:
    """The state that follows; staying is fine. Raises IllegalStepError."""
    if following != current and following not in DELIVERY_STEPS[DeliveryState(current)]:
        raise IllegalStepError(f"a {current} delivery cannot become {following}")
    return following.value
