"""A gateway reduced to its messages."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.fleet.models import Session
from gateway.kit.ids import IdGenerator
from tests.messages.world import ANNA, BEN, World


@pytest.fixture
async def world(database: Any, org: Any, clock: Any, ids: IdGenerator, tmp_path: Path) -> AsyncIterator[World]:
    """On SQLite."""
    made = World(database=database, clock=clock, ids=ids, folder=tmp_path)
    await made.open()
    yield made
    await made.close()


@pytest.fixture
async def any_world(
    any_database: Any, any_org: Any, clock: Any, ids: IdGenerator, tmp_path: Path
) -> AsyncIterator[World]:
    """On SQLite and on PostgreSQL."""
    made = World(database=any_database, clock=clock, ids=ids, folder=tmp_path)
    await made.open()
    yield made
    await made.close()


@pytest.fixture
async def shop(world: World) -> Session:
    """A connected session that Anna and Ben can write with."""
    return await _shop(world)


@pytest.fixture
async def any_shop(any_world: World) -> Session:
    """The same in ``any_world``."""
    return await _shop(any_world)


async def _shop(world: World) -> Session:
    session = await world.link()
    world.engine.phone(ANNA, "Anna")
    world.engine.phone(BEN, "Ben")
    return session
