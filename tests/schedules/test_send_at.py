"""Messages with a time of their own: what comes due while nobody is there, all at once, or when the clock jumps."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from gateway.db.tx import Tx
from gateway.fleet.models import Session
from gateway.messages.models import Message
from tests.messages.world import World


async def test_a_message_that_came_due_while_the_gateway_was_down_goes_out_at_the_start(
    any_world: World, any_shop: Session
) -> None:
    entry = await any_world.queue(send_at=any_world.clock.now() + timedelta(hours=1))
    any_world.advance(86_400)

    await any_world.start()

    await any_world.when(entry.message.id, "delivered")


async def test_one_that_lost_its_point_meanwhile_expires_and_says_so(any_world: World, any_shop: Session) -> None:
    now = any_world.clock.now()
    entry = await any_world.queue(send_at=now + timedelta(hours=1), expires_at=now + timedelta(hours=2))
    any_world.advance(86_400)

    await any_world.start()

    expired = await any_world.when(entry.message.id, "expired")
    assert expired.message.reason == "expired"
    assert [event.data["state"] for event in await any_world.told("message.status")] == ["expired"]


async def test_a_clock_that_jumps_ahead_is_noticed_within_seconds(world: World, shop: Session, eventually: Any) -> None:
    entry = await world.queue(send_at=world.clock.now() + timedelta(hours=1))
    await world.start()

    world.advance(3600)

    async def is_sent() -> bool:
        return (await world.find(entry.message.id)).message.state != "scheduled"

    await eventually(is_sent, timeout_seconds=6.0)


async def test_a_clock_that_is_put_back_sends_nothing_twice_and_nothing_early(world: World, shop: Session) -> None:
    first = await world.queue(send_at=world.clock.now() + timedelta(minutes=10), body="first")
    second = await world.queue(send_at=world.clock.now() + timedelta(minutes=50), body="second")
    await world.start()
    world.advance(660)
    await world.dispatcher.run_once()
    await world.when(first.message.id, "delivered")

    world.advance(-3600)
    await world.dispatcher.run_once()
    world.advance(3600)
    await world.dispatcher.run_once()

    assert (await world.find(second.message.id)).message.state == "scheduled"
    assert (await world.find(first.message.id)).message.attempts == 1


async def test_many_that_are_due_at_once_wait_for_no_pause(any_world: World, any_shop: Session) -> None:
    """More than one pass takes: the next one must follow at once."""
    later = any_world.clock.now() + timedelta(hours=1)
    for _ in range(3):
        await any_world.queue(send_at=later)

    def multiply(tx: Tx) -> None:
        rows = tx.session.query(Message).all()
        for row in rows:
            columns = {column.key: getattr(row, column.key) for column in Message.__table__.columns}
            tx.session.add_all([Message(**columns | {"id": any_world.ids.new()}) for _ in range(80)])

    await any_world.database.write(multiply)
    any_world.advance(3600)

    while await any_world.dispatcher.run_once() == 0.0:
        pass

    assert {entry.message.state for entry in await any_world.all()} == {"queued"}
    await any_world.database.write(lambda tx: tx.execute(update(Message).values(state="cancelled")))


@pytest.mark.parametrize("moment", ["2026-03-29T01:30:00Z", "2026-10-25T00:30:00+02:00"])
async def test_a_time_with_its_offset_knows_no_change_of_clocks(world: World, shop: Session, moment: str) -> None:
    entry = await world.queue(send_at=moment)

    assert entry.message.due_at is not None
    assert entry.message.due_at.isoformat() in ("2026-03-29T01:30:00+00:00", "2026-10-24T22:30:00+00:00")
