"""Times on the machine's own clock: schedules and messages with ``send_at`` go out within a second of them."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gateway.kit.clock import SystemClock
from gateway.kit.ids import IdGenerator
from tests.messages.world import ANNA, World
from tests.schedules.world import Calendar

pytestmark = pytest.mark.long


@pytest.fixture
async def real_world(database: Any, org: Any, tmp_path: Path) -> AsyncIterator[World]:
    clock = SystemClock()
    made = World(database=database, clock=clock, ids=IdGenerator(clock=clock, chance=random.Random(7)), folder=tmp_path)
    await made.open()
    made.engine.phone(ANNA, "Anna")
    await made.link()
    yield made
    await made.close()


async def test_a_message_goes_out_within_a_second_of_its_time(real_world: World) -> None:
    await real_world.start()
    begin = real_world.clock.now()
    entries = [await real_world.queue(send_at=begin + timedelta(seconds=after)) for after in (1.2, 1.9, 2.6, 3.3)]

    assert {entry.message.state for entry in entries} == {"scheduled"}
    lags = sorted([await lag_of(real_world, entry.message.id) for entry in entries])
    # The best one: a test machine may be busy for seconds, while a timer that is set wrongly is always late.
    assert timedelta(0) <= lags[0] < timedelta(seconds=1)


async def lag_of(world: World, message_id: int) -> timedelta:
    """How long after its time it was sent."""
    message = (await world.when(message_id, "sent", "delivered")).message
    assert message.sent_at is not None
    assert message.due_at is not None
    return message.sent_at - message.due_at


async def test_a_schedule_fires_within_a_second_of_its_time(real_world: World, eventually: Any) -> None:
    calendar = Calendar(real_world)
    await calendar.scheduler.start()
    # Times have whole seconds.
    begin = real_world.clock.now().replace(microsecond=0)
    starts = [begin + timedelta(seconds=after) for after in (2, 3, 4, 5)]
    rows = [await calendar.create(rrule="FREQ=MINUTELY", starts_at=start) for start in starts]

    runs = [(await eventually(partial(calendar.runs, row)))[0] for row in rows]

    await calendar.scheduler.stop()
    assert [run.due_at for run in runs] == starts
    lags = sorted(run.at - run.due_at for run in runs)
    assert timedelta(0) <= lags[0] < timedelta(seconds=1)
