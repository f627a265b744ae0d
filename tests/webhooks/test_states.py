"""The steps of endpoints and deliveries: the pictures show the tables, and no other step is possible."""

from __future__ import annotations

import pytest

from gateway.webhooks.states import (
    DELIVERY_STEPS,
    ENDPOINT_STEPS,
    DeliveryState,
    EndpointState,
    IllegalStepError,
    delivery_step,
    endpoint_step,
)
from tests.pictures import assert_shows, read_picture

PAGE = "webhook-states.md"


@pytest.mark.parametrize(
    ("number", "steps", "beginnings"),
    [(0, ENDPOINT_STEPS, {"active", "off"}), (1, DELIVERY_STEPS, {"pending"})],
)
def test_the_picture_shows_exactly_the_table(number: int, steps: dict[str, set[str]], beginnings: set[str]) -> None:
    picture = read_picture(PAGE, number=number)

    assert_shows(picture, steps)
    assert picture.beginnings == beginnings


@pytest.mark.parametrize("current", EndpointState)
@pytest.mark.parametrize("following", EndpointState)
def test_an_endpoint_takes_only_the_steps_of_its_table(current: EndpointState, following: EndpointState) -> None:
    if following == current or following in ENDPOINT_STEPS[current]:
        assert endpoint_step(current, following) == following
    else:
        with pytest.raises(IllegalStepError):
            endpoint_step(current, following)


@pytest.mark.parametrize("current", DeliveryState)
@pytest.mark.parametrize("following", DeliveryState)
def test_a_delivery_takes_only_the_steps_of_its_table(current: DeliveryState, following: DeliveryState) -> None:
    if following == current or following in DELIVERY_STEPS[current]:
        assert delivery_step(current, following) == following
    else:
        with pytest.raises(IllegalStepError):
            delivery_step(current, following)
