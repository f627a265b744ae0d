"""Old events go, with what became of them; none goes that somebody has yet to be told of."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from gateway.db.tx import Database, Tx
from gateway.events.models import Event
from gateway.events.service import EventLog
from gateway.fleet.service import Sessions
from gateway.kit.ids import IdGenerator
from gateway.kit.vault import Vault
from gateway.maintenance import events as module
from gateway.maintenance.events import OldEvents
from gateway.principal import Principal, PrincipalKind
from gateway.webhooks.fanout import Fanout
from gateway.webhooks.models import DeliveryState, Webhook, WebhookAttempt, WebhookDelivery
from gateway.webhooks.poster import Outcome
from gateway.webhooks.redelivery import Redelivery
from gateway.webhooks.service import WebhookDraft, Webhooks
from gateway.webhooks.settling import Settler
from gateway.webhooks.target import TargetSeals

OWNER = Principal(org_id=1, kind=PrincipalKind.API_KEY, subject_id=1, scopes=("*",))
DAY = 24 * 3600


class NoLanes:
    """Nobody delivers here: tests say themselves what came of a delivery."""

    def nudge(self, webhook_id: int) -> None: ...

    def changed(self, webhook_id: int) -> None: ...


@dataclass(kw_only=True)
class World:
    """An event log whose events go to one endpoint."""

    database: Database
    events: EventLog
    webhooks: Webhooks
    webhook: Webhook
    settler: Settler
    redelivery: Redelivery
    chore: OldEvents

    async def say(self, *names: str) -> list[int]:
        def work(tx: Tx) -> list[Event]:
            options: dict[str, Any] = {"org_id": 1, "type": "api_key.created", "subject": ("key", 5)}
            return [self.events.emit(tx, data={"id": "key_1", "name": name}, **options) for name in names]

        return [event.id for event in await self.database.write(work)]

    async def finish(self, event_ids: Sequence[int]) -> None:
        """Every delivery of these events succeeds."""
        for delivery in await self.rows(WebhookDelivery):
            if delivery.event_id in event_ids:
                await self.settler.settle(delivery, Outcome(duration_ms=1, status=204), was_failing=False)

    async def rows(self, kind: Any) -> Sequence[Any]:
        return await self.database.read(lambda tx: tx.session.scalars(select(kind).order_by(kind.id)).all())

    async def event_ids(self) -> list[int]:
        return [event.id for event in await self.rows(Event)]


@pytest.fixture
async def world(any_database: Any, any_org: Any, clock: Any, ids: IdGenerator, tmp_path: Path) -> World:
    events = EventLog(clock=clock, check_payloads=True)
    fanout = Fanout(clock=clock, ids=ids, lanes=NoLanes())
    events.subscribe(fanout)
    webhooks = Webhooks(
        clock=clock,
        ids=ids,
        events=events,
        sessions=Sessions(clock=clock, ids=ids, events=events),
        seals=TargetSeals(Vault.at(tmp_path / "vault.key")),
        lanes=NoLanes(),
    )
    draft = WebhookDraft(url="https://example.com/hook")
    webhook, _ = await any_database.write(lambda tx: webhooks.create(tx, OWNER, draft))
    return World(
        database=any_database,
        events=events,
        webhooks=webhooks,
        webhook=webhook,
        settler=Settler(
            database=any_database,
            clock=clock,
            ids=ids,
            chance=random.Random(1),
            events=events,
            disable_after=timedelta(days=5),
        ),
        redelivery=Redelivery(database=any_database, clock=clock, fanout=fanout, lanes=NoLanes()),
        chore=OldEvents(
            database=any_database,
            clock=clock,
            events=events,
            webhooks=webhooks,
            keep=timedelta(days=30),
            keep_unacked=timedelta(days=90),
        ),
    )


async def test_what_is_older_than_the_limit_goes_with_its_deliveries_and_their_attempts(
    world: World, clock: Any
) -> None:
    old = await world.say("a", "b")
    await world.finish(old)
    clock.advance(20 * DAY)
    young = await world.say("c")
    await world.finish(young)
    clock.advance(10 * DAY + 1)

    gone = await world.chore.run_once()

    assert gone == 2
    assert await world.event_ids() == young
    [delivery] = await world.rows(WebhookDelivery)
    assert delivery.event_id == young[0]
    assert [attempt.delivery_id for attempt in await world.rows(WebhookAttempt)] == [delivery.id]


async def test_an_event_that_an_endpoint_has_yet_to_be_told_of_is_kept_until_it_was(world: World, clock: Any) -> None:
    told, untold = await world.say("told", "untold")
    await world.finish([told])
    clock.advance(31 * DAY)

    first = await world.chore.run_once()
    kept = await world.event_ids()
    await world.finish([untold])
    second = await world.chore.run_once()

    assert (first, kept, second) == (1, [untold], 1)
    assert await world.event_ids() == []


async def test_what_waits_for_an_endpoint_that_is_switched_off_is_kept_too(world: World, clock: Any) -> None:
    waiting = await world.say("a")

    def switch_off(tx: Tx) -> None:
        webhook = world.webhooks.get(tx, OWNER, world.webhook.id)
        world.webhooks.update(tx, OWNER, webhook, WebhookDraft(active=False), {"active"})

    await world.database.write(switch_off)
    clock.advance(31 * DAY)

    assert await world.chore.run_once() == 0
    assert await world.event_ids() == waiting


async def test_a_delivery_that_was_asked_for_again_keeps_its_old_event(world: World, clock: Any) -> None:
    again, other = await world.say("again", "other")
    await world.finish([again, other])
    clock.advance(31 * DAY)
    [delivery, _] = await world.rows(WebhookDelivery)

    def redeliver(tx: Tx) -> None:
        row = world.webhooks.delivery(tx, world.webhook, delivery.id)
        world.redelivery.redeliver(tx, world.webhook, row)

    await world.database.write(redeliver)
    gone = await world.chore.run_once()

    assert gone == 1
    [kept] = await world.rows(WebhookDelivery)
    assert (kept.event_id, kept.state) == (again, DeliveryState.PENDING)


async def test_a_long_log_goes_in_small_bites_past_what_is_kept(
    world: World, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BITE", 3)
    old = await world.say(*map(str, range(10)))
    await world.finish([event_id for event_id in old if event_id not in old[2:6]])
    clock.advance(31 * DAY)

    gone = await world.chore.run_once()

    assert gone == 6
    assert await world.event_ids() == old[2:6]


async def test_a_log_without_old_events_is_left_alone(world: World) -> None:
    young = await world.say("a")
    await world.finish(young)

    assert await world.chore.run_once() == 0
    assert await world.event_ids() == young
