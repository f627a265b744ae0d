"""Writes down what came of a try: the delivery, the attempt, and how the endpoint fares."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

import structlog

from gateway.db.tx import Database, Tx
from gateway.events.service import EventLog
from gateway.kit.clock import Clock
from gateway.kit.ids import IdGenerator, render_id
from gateway.kit.times import render_time
from gateway.webhooks import outbox_store
from gateway.webhooks.fanout import TEST_EVENT
from gateway.webhooks.models import DeliveryState, DisabledReason, Webhook, WebhookDelivery
from gateway.webhooks.poster import Outcome
from gateway.webhooks.retries import delay_before

log = structlog.get_logger(__name__)


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

    async def settle(self, delivery: WebhookDelivery, outcome: Outcome, *, was_failing: bool) -> bool:
        """Write it; True when the endpoint was switched off by this.

        A success is news about the endpoint only where it ``was_failing``, which must be true where it is not known.
        """
        now = self._clock.now()
        disabled = await self._database.write(lambda tx: self._write(tx, delivery, outcome, was_failing, now))
        if disabled is not None:
            log.warning("webhook disabled", webhook_id=render_id("whk", delivery.webhook_id), reason=disabled.value)
        return disabled is not None

    def _write(
        self, tx: Tx, delivery: WebhookDelivery, outcome: Outcome, was_failing: bool, now: datetime
    ) -> DisabledReason | None:
        values = self._standing(delivery, outcome, now)
        if not outbox_store.settle(tx, delivery_id=delivery.id, values=values):
            return None  # deleted with its webhook while the request was under way
        self._record(tx, delivery, outcome, now)
        if outcome.error is None:
            if was_failing:
                outbox_store.note_success(tx, webhook_id=delivery.webhook_id)
            return None
        webhook = outbox_store.note_failure(tx, webhook_id=delivery.webhook_id, error=outcome.error, now=now)
        return self._consider_disabling(tx, webhook, outcome, now)

    def _standing(self, delivery: WebhookDelivery, outcome: Outcome, now: datetime) -> dict[str, Any]:
        tries = delivery.tries + 1
        values: dict[str, Any] = {"tries": tries, "attempts": delivery.attempts + 1}
        if outcome.delivered:
            return {**values, "state": DeliveryState.DELIVERED, "finished_at": now}
        wait = delay_before(tries, retry_after_seconds=outcome.retry_after_seconds, chance=self._chance)
        if wait is None or delivery.event_type == TEST_EVENT:
            return {**values, "state": DeliveryState.DEAD, "finished_at": now}
        return {**values, "due_at": now + timedelta(seconds=wait)}

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

    def _consider_disabling(
        self, tx: Tx, webhook: Webhook | None, outcome: Outcome, now: datetime
    ) -> DisabledReason | None:
        if webhook is None or not webhook.active:
            return None
        if outcome.gone:
            reason = DisabledReason.GONE
        elif webhook.failing_since is not None and now - webhook.failing_since >= self._disable_after:
            reason = DisabledReason.FAILING
        else:
            return None
        webhook.active = False
        webhook.disabled_reason = reason
        webhook.disabled_at = now
        webhook.updated_at = now
        self._announce(tx, webhook, reason)
        return reason

    def _announce(self, tx: Tx, webhook: Webhook, reason: DisabledReason) -> None:
        self._events.emit(
            tx,
            org_id=webhook.org_id,
            type="webhook.disabled",
            subject=("webhook", webhook.id),
            data={
                "id": render_id("whk", webhook.id),
                "reason": reason.value,
                "failing_since": render_time(webhook.failing_since),
            },
        )
