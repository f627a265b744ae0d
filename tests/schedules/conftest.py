"""A gateway reduced to its messages and schedules. It is the first of March 2026, noon UTC."""

from __future__ import annotations

import pytest

from gateway.fleet.models import Session
from tests.messages.conftest import any_shop, any_world, shop, world  # noqa: F401 - the same fixtures one floor up
from tests.messages.world import World
from tests.schedules.world import Calendar


@pytest.fixture
def calendar(world: World, shop: Session) -> Calendar:  # noqa: F811
    return Calendar(world)


@pytest.fixture
def any_calendar(any_world: World, any_shop: Session) -> Calendar:  # noqa: F811
    return Calendar(any_world)
