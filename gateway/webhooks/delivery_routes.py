"""The webhooks API: deliveries, tests, and telling again."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from gateway.api.fields import id_in_path
from gateway.api.paging import page_of
from gateway.api.route import Call, route
from gateway.db.tx import Database, Tx
from gateway.events.models import Event
from gateway.webhooks import store
from gateway.webhooks.errors import DeliveryNotFoundError
from gateway.webhooks.models import Webhook, WebhookDelivery
from gateway.webhooks.redelivery import Redelivery, Stretch
from gateway.webhooks.render import render_delivery
from gateway.webhooks.schemas import (
    AnyDeliveryQuery,
    DeliveryOut,
    DeliveryPage,
    DeliveryQuery,
    ReplayOut,
    ReplayRequest,
    TestQuery,
)
from gateway.webhooks.service import Webhooks
from gateway.webhooks.states import DeliveryState
from gateway.webhooks.store import DeliveryFilter
from gateway.webhooks.verdicts import Verdicts

_TAG = "webhooks"
_ONE = "/api/v1/webhooks/{webhook}"
_DELIVERIES = f"{_ONE}/deliveries"


class DeliveryRoutes:
    """What was delivered to an endpoint, what was not, and once more."""

    def __init__(self, *, database: Database, webhooks: Webhooks, redelivery: Redelivery, verdicts: Verdicts) -> None:
        self._database = database
        self._webhooks = webhooks
        self._redelivery = redelivery
        self._verdicts = verdicts

    @route(
        "GET",
        "/api/v1/deliveries",
        operation="webhooks.all_deliveries",
        scope="webhooks.deliveries",
        summary="List deliveries to all endpoints",
        tag=_TAG,
        query=AnyDeliveryQuery,
        gives=DeliveryPage,
        errors=("webhook_not_found",),
        description="The newest first, each with all its attempts. `state=dead` lists what was given up, wherever.",
    )
    async def list_all(self, call: Call) -> DeliveryPage:
        query: AnyDeliveryQuery = call.query

        def work(tx: Tx) -> DeliveryPage:
            if query.webhook is not None:
                return _page(tx, call, [self._webhooks.get(tx, call.caller, query.webhook).id], query)
            return _page(tx, call, self._webhooks.visible_ids(tx, call.caller), query)

        return await self._database.read(work)

    @route(
        "GET",
        _DELIVERIES,
        operation="webhooks.deliveries",
        summary="List deliveries",
        tag=_TAG,
        query=DeliveryQuery,
        gives=DeliveryPage,
        errors=("webhook_not_found",),
        description="The newest first, each with all its attempts. `state=dead` lists what was given up.",
    )
    async def list(self, call: Call) -> DeliveryPage:
        query: DeliveryQuery = call.query
        return await self._database.read(lambda tx: _page(tx, call, [self._find(tx, call).id], query))

    @route(
        "GET",
        f"{_DELIVERIES}/{{delivery}}",
        operation="webhooks.read_delivery",
        scope="webhooks.deliveries",
        summary="Read a delivery",
        tag=_TAG,
        gives=DeliveryOut,
        errors=("webhook_not_found", "delivery_not_found"),
    )
    async def read(self, call: Call) -> DeliveryOut:
        return await self._database.read(lambda tx: _render(tx, self._find_delivery(tx, call, self._find(tx, call))))

    @route(
        "POST",
        f"{_DELIVERIES}/{{delivery}}/redeliver",
        operation="webhooks.redeliver",
        summary="Deliver once more",
        tag=_TAG,
        gives=DeliveryOut,
        status=202,
        idempotent_key=True,
        errors=("webhook_not_found", "delivery_not_found", "webhook_inactive", "webhook_sealed"),
    )
    async def redeliver(self, call: Call) -> DeliveryOut:
        def work(tx: Tx) -> DeliveryOut:
            webhook = self._find(tx, call)
            self._webhooks.demand_active(webhook)
            delivery = self._find_delivery(tx, call, webhook)
            self._redelivery.redeliver(tx, webhook, delivery)
            answer = _render(tx, delivery)
            call.remember(tx, answer)
            return answer

        return await self._database.write(work)

    @route(
        "POST",
        f"{_ONE}/test",
        operation="webhooks.test",
        summary="Send a test event",
        tag=_TAG,
        gives=DeliveryOut,
        status=202,
        idempotent_key=True,
        errors=("webhook_not_found", "webhook_inactive", "webhook_sealed"),
        query=TestQuery,
        description="Sends `webhook.test` to this endpoint only, once, and waits a little for what it says: the answer "
        "is the delivery with its attempt, or still `pending` when the endpoint takes longer.",
    )
    async def test(self, call: Call) -> DeliveryOut:
        query: TestQuery = call.query

        def work(tx: Tx) -> tuple[Webhook, Event]:
            webhook = self._find(tx, call)
            return webhook, self._webhooks.test(tx, webhook)

        webhook, event = await self._database.write(work)
        delivery = await self._database.read(lambda tx: _render_of(tx, webhook, event))
        with self._verdicts.expect(delivery.id) as tried:
            delivery = await self._database.read(lambda tx: _render_of(tx, webhook, event))
            if delivery.state is DeliveryState.PENDING and await _within(query.wait_seconds, tried):
                delivery = await self._database.read(lambda tx: _render_of(tx, webhook, event))
        return delivery

    @route(
        "POST",
        f"{_ONE}/replay",
        operation="webhooks.replay",
        summary="Tell a stretch of the event log again",
        tag=_TAG,
        takes=ReplayRequest,
        gives=ReplayOut,
        status=202,
        idempotent_key=True,
        errors=("webhook_not_found", "webhook_inactive", "webhook_sealed"),
        description="Queues what the endpoint subscribes to, up to 10,000 events a call; without a beginning since the "
        "endpoint is there. Each keeps its id, so that receivers can tell repeats.",
    )
    async def replay(self, call: Call) -> ReplayOut:
        body: ReplayRequest = call.body
        webhook = await self._database.read(lambda tx: self._find(tx, call))
        if not body.dry_run:
            self._webhooks.demand_active(webhook)
        # Without a beginning it is what the endpoint missed since it is there.
        since = webhook.created_at if body.since is None and body.after is None else body.since
        stretch = Stretch(only=body.only, after=body.after or 0, since=since, until=body.until)
        done = await self._redelivery.replay(webhook, stretch, dry_run=body.dry_run)
        return ReplayOut(
            queued=done.queued,
            failed=done.failed,
            missing=done.missing,
            delivered=done.delivered,
            dry_run=body.dry_run,
            next=done.next_after,
        )

    def _find(self, tx: Tx, call: Call) -> Webhook:
        webhook_id = id_in_path("whk", call.path["webhook"], code="webhook_not_found")
        return self._webhooks.get(tx, call.caller, webhook_id)

    def _find_delivery(self, tx: Tx, call: Call, webhook: Webhook) -> WebhookDelivery:
        delivery_id = id_in_path("dlv", call.path["delivery"], code="delivery_not_found")
        return self._webhooks.delivery(tx, webhook, delivery_id)


def _page(tx: Tx, call: Call, webhook_ids: Sequence[int], query: DeliveryQuery) -> DeliveryPage:
    wanted = DeliveryFilter(
        webhook_ids=webhook_ids, state=query.state, event_id=query.event, event_type=query.event_type
    )
    org_id = call.caller.org_id
    found = store.page_of_deliveries(tx, org_id=org_id, wanted=wanted, after=query.position(), limit=query.limit)
    rows, following = page_of(found, limit=query.limit, position=lambda delivery: delivery.id)
    attempts = store.attempts_of(tx, org_id=org_id, delivery_ids=[row.id for row in rows])
    return DeliveryPage(items=[render_delivery(row, attempts[row.id]) for row in rows], next=following)


async def _within(seconds: float, tried: asyncio.Event) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await tried.wait()
    except TimeoutError:
        return False
    return True


def _render(tx: Tx, delivery: WebhookDelivery) -> DeliveryOut:
    attempts = store.attempts_of(tx, org_id=delivery.org_id, delivery_ids=[delivery.id])
    return render_delivery(delivery, attempts[delivery.id])


def _render_of(tx: Tx, webhook: Webhook, event: Event) -> DeliveryOut:
    delivery = store.find_delivery_of(tx, webhook=webhook, event_id=event.id)
    if delivery is None:
        raise DeliveryNotFoundError
    return _render(tx, delivery)
