"""Times on the machine's own clock: schedules and messages with ``send_at`` go out within a second of them."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.kit.clock import SystemClock
from gateway.kit.ids import IdGenerator
from tests.messages.world import ANNA, World
from tests.schedules.world import Calendar


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
    send_at = real_world.clock.now() + timedelta(seconds=1.2)

    entry = await real_world.queue(send_at=send_at)

    assert entry.message.state == "scheduled"
    sent = (await real_world.when(entry.message.id, "sent", "delivered")).message.sent_at
    assert sent is not None
    assert timedelta(0) <= sent - send_at < timedelta(seconds=1)


async def test_a_schedule_fires_within_a_second_of_its_time(real_world: World, eventually: Any) -> None:
    calendar = Calendar(real_world)
    await calendar.scheduler.start()
    # Times have whole seconds; the first one that is ahead.
    starts_at = (real_world.clock.now() + timedelta(seconds=2)).replace(microsecond=0)
    row = await calendar.create(rrule="FREQ=MINUTELY", starts_at=starts_at)

    [run] = await eventually(lambda: calendar.runs(row))

    await calendar.scheduler.stop()
    assert run.due_at == starts_at
    assert timedelta(0) <= run.at - starts_at < timedelta(seconds=1)
