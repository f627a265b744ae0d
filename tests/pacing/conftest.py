"""A gateway reduced to its messages, at a chosen pace."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.kit.ids import IdGenerator
from gateway.pacing.settings import Pace
from tests.messages.world import ANNA, BEN, World

#: Strangers, and one far away.
NUMBERS = [f"+49151200000{index:02d}" for index in range(40)]
INDIAN = "+919812345678"

#: Gives a world whose shop is linked and connected, Anna and Ben in reach, nothing being sent yet.
MakeWorld = Callable[[Pace], Awaitable[World]]


@pytest.fixture
async def any_world_at(
    any_database: Any, any_org: Any, clock: Any, ids: IdGenerator, tmp_path: Path
) -> AsyncIterator[MakeWorld]:
    """On SQLite and on PostgreSQL."""
    made: list[World] = []

    async def make(pace: Pace) -> World:
        world = World(database=any_database, clock=clock, ids=ids, folder=tmp_path, pace=pace)
        made.append(world)
        return await _opened(world)

    yield make
    for world in made:
        await world.close()


@pytest.fixture
async def world_at(database: Any, org: Any, clock: Any, ids: IdGenerator, tmp_path: Path) -> AsyncIterator[MakeWorld]:
    """On SQLite."""
    made: list[World] = []

    async def make(pace: Pace) -> World:
        world = World(database=database, clock=clock, ids=ids, folder=tmp_path, pace=pace)
        made.append(world)
        return await _opened(world)

    yield make
    for world in made:
        await world.close()


async def _opened(world: World) -> World:
    await world.open()
    await world.link()
    for number in (ANNA, BEN, INDIAN, *NUMBERS):
        world.engine.phone(number)
    return world
