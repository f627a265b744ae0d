"""Queues that do not move: everybody is told once, and once more when they do."""

from __future__ import annotations

from datetime import datetime, timedelta

from gateway.db.tx import Tx
from gateway.fleet.models import Session
from gateway.messages.outbox import control_store
from gateway.messages.outbox.watch import Watch
from gateway.pacing.classes import PaceClass
from tests.messages.world import World, name_of


async def away(world: World, shop: Session) -> None:
    world.engine.drop(name_of(shop))
    await world.session_when(shop.id, lambda row: row.status == "reconnecting")


async def look_after(world: World, seconds: float) -> list[str]:
    """What was told of queues by the time the watch has looked again."""
    world.advance(seconds)
    await world.watch.run_once()
    return [event.type for event in await world.told("queue.stalled", "queue.flowing")]


async def test_a_queue_that_stands_still_is_told_of_once_and_again_when_it_flows(
    any_world: World, any_shop: Session
) -> None:
    world, shop = any_world, any_shop
    await world.start()
    await away(world, shop)
    entry = await world.queue()

    assert await look_after(world, 299) == []
    assert await look_after(world, 2) == ["queue.stalled"]
    assert await look_after(world, 1000) == ["queue.stalled"]
    [stalled] = await world.told("queue.stalled")
    assert stalled.data["waiting_for"]["code"] == "session_not_connected"
    assert stalled.data["oldest_queued_seconds"] == 301
    world.engine.reconnect(name_of(shop))
    await world.when(entry.message.id, "delivered")
    assert await look_after(world, 0) == ["queue.stalled", "queue.flowing"]
    assert world.watch.ages() == {}


async def test_a_restart_tells_nothing_twice(world: World, shop: Session) -> None:
    await world.start()
    await away(world, shop)
    await world.queue()
    await look_after(world, 301)

    world.watch = again = _same(world)
    world.advance(301)
    await again.run_once()

    assert [event.type for event in await world.told("queue.stalled", "queue.flowing")] == ["queue.stalled"]


async def test_who_pauses_a_queue_or_has_the_gate_hold_it_is_not_told_that_it_stands_still(
    world: World, shop: Session
) -> None:
    await away(world, shop)
    await world.queue(purpose="marketing")
    held = frozenset(PaceClass)
    world.gate.closures.close(shop.id, held, until=_in_a_day(world), reason="quiet_hours")

    assert await look_after(world, 301) == []
    assert world.watch.depths() == {}
    world.gate.closures.reopen(shop.id)
    await world.database.write(lambda tx: world.control.pause(tx, _session(tx, shop)))
    assert await look_after(world, 301) == []


async def test_the_age_of_the_oldest_message_is_a_number_for_each_session(world: World, shop: Session) -> None:
    await world.queue()
    world.advance(20)
    await world.queue()

    await look_after(world, 10)

    assert world.watch.ages() == {name_of(shop): 30}
    assert world.watch.depths() == {name_of(shop): 2}


def _in_a_day(world: World) -> datetime:
    return world.clock.now() + timedelta(days=1)


def _session(tx: Tx, session: Session) -> Session:
    return control_store.queues_of(tx, session_ids=[session.id])[session.id][0]


def _same(world: World) -> Watch:
    """The watch of a daemon that was started again."""
    return Watch(
        database=world.database,
        clock=world.clock,
        dispatcher=world.dispatcher,
        doubts=world.doubts,
        queues=world.queues,
        control=world.control,
        closures=world.gate.closures,
        rests=world.tools.rests,
    )
