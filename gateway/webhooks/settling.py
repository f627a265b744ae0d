"""Writes down what came of a try: the delivery, the attempt, and how the endpoint fares."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog

from gateway.db.tx import Database, Tx
from gateway.events.service import EventLog
from gateway.kit.clock import Clock
from gateway.kit.ids import IdGenerator, render_id
from gateway.kit.times import render_time
from gateway.webhooks import outbox_store
from gateway.webhooks.models import Webhook, WebhookDelivery
from gateway.webhooks.poster import Outcome
from gateway.webhooks.retries import delay_before
from gateway.webhooks.standing import Turn, note_failure
from gateway.webhooks.states import DeliveryState, delivery_step
from gateway.webhooks.subscriptions import TEST_EVENT

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Settlement:
    """Where a try left things."""

    turn: Turn | None  #: what it changed about the endpoint
    waits: bool  #: the delivery is tried again at a later time


class Settler:
    """One small transaction for each try; the writer puts those of many lanes into one commit."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        ids: IdGenerator,
        chance: random.Random,
        events: EventLog,
        disable_after: timedelta,
    ) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._chance = chance
        self._events = events
        self._disable_after = disable_after

    async def settle(self, delivery: WebhookDelivery, outcome: Outcome, *, was_failing: bool) -> Settlement:
        """Write it.

        A success is news about the endpoint only where it ``was_failing``, which must be true where it is not known.
        """
        now = self._clock.now()
        settlement = await self._database.write(lambda tx: self._write(tx, delivery, outcome, was_failing, now))
        if settlement.turn is not None:
            log.warning("webhook " + settlement.turn, webhook_id=render_id("whk", delivery.webhook_id))
        return settlement

    def _write(
        self, tx: Tx, delivery: WebhookDelivery, outcome: Outcome, was_failing: bool, now: datetime
    ) -> Settlement:
        values = self._standing(delivery, outcome, now)
        if not outbox_store.settle(tx, delivery_id=delivery.id, values=values):
            return Settlement(turn=None, waits=False)  # deleted with its webhook while the request was under way
        self._record(tx, delivery, outcome, now)
        waits = values["state"] == DeliveryState.PENDING
        if outcome.error is None:
            if was_failing:
                outbox_store.note_success(tx, webhook_id=delivery.webhook_id)
            return Settlement(turn=None, waits=waits)
        return Settlement(turn=self._hold_against(tx, delivery.webhook_id, outcome, outcome.error, now), waits=waits)

    def _standing(self, delivery: WebhookDelivery, outcome: Outcome, now: datetime) -> dict[str, Any]:
        tries = delivery.tries + 1
        values: dict[str, Any] = {"tries": tries, "attempts": delivery.attempts + 1}
        if outcome.delivered:
            return {**values, "state": delivery_step(delivery.state, DeliveryState.DELIVERED), "finished_at": now}
        wait = delay_before(tries, retry_after_seconds=outcome.retry_after_seconds, chance=self._chance)
        if wait is None or delivery.event_type == TEST_EVENT:
            return {**values, "state": delivery_step(delivery.state, DeliveryState.DEAD), "finished_at": now}
        return {**values, "state": DeliveryState.PENDING, "due_at": now + timedelta(seconds=wait)}

    def _record(self, tx: Tx, delivery: WebhookDelivery, outcome: Outcome, now: datetime) -> None:
        outbox_store.record_attempt(
            tx,
            {
                "id": self._ids.new(),
                "org_id": delivery.org_id,
                "delivery_id": delivery.id,
                "number": delivery.attempts + 1,
                "at": now - timedelta(milliseconds=outcome.duration_ms),
                "duration_ms": outcome.duration_ms,
                "status": outcome.status,
                "error": outcome.error,
                "excerpt": outcome.excerpt,
            },
        )

    def _hold_against(self, tx: Tx, webhook_id: int, outcome: Outcome, error: str, now: datetime) -> Turn | None:
        webhook = outbox_store.lock_webhook(tx, webhook_id=webhook_id)
        if webhook is None:
            return None
        turn = note_failure(webhook, error=error, says_gone=outcome.gone, now=now, disable_after=self._disable_after)
        if turn is not None:
            self._announce(tx, webhook, turn)
        return turn

    def _announce(self, tx: Tx, webhook: Webhook, turn: Turn) -> None:
        self._events.emit(
            tx,
            org_id=webhook.org_id,
            type="webhook.failing" if turn is Turn.FAILING_FOR_LONG else "webhook.disabled",
            subject=("webhook", webhook.id),
            data={
                "id": render_id("whk", webhook.id),
                "reason": "gone" if turn is Turn.GONE else "failing",
                "failing_since": render_time(webhook.failing_since),
            },
        )
