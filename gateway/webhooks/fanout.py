"""Puts each event into the outbox of every endpoint that wants it, in the transaction of the event."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Any, Protocol

from gateway.db.tx import Tx
from gateway.events.models import Event
from gateway.kit.clock import Clock
from gateway.kit.ids import IdGenerator
from gateway.webhooks import outbox_store
from gateway.webhooks.dialect import Dialects
from gateway.webhooks.models import PayloadKind
from gateway.webhooks.states import DeliveryState
from gateway.webhooks.subscriptions import strand_of


class Lanes(Protocol):
    """Whoever delivers; called on the event loop."""

    def nudge(self, webhook_id: int) -> None:
        """Something new waits for this endpoint."""

    def changed(self, webhook_id: int) -> None:
        """The endpoint itself is different now."""


class Fanout:
    """Subscriber of the event log."""

    def __init__(
        self, *, clock: Clock, ids: IdGenerator, lanes: Lanes, dialects: Dialects = MappingProxyType({})
    ) -> None:
        self._clock = clock
        self._ids = ids
        self._lanes = lanes
        self._dialects = dialects

    def __call__(self, tx: Tx, event: Event) -> None:
        """Write a delivery for each endpoint that wants the event."""
        subscriptions = outbox_store.subscriptions(tx, org_id=event.org_id)
        kind = None
        if any(subscription.asks_for_chat(event) for subscription in subscriptions):
            kind = outbox_store.kinds_of_chats(tx, events=[event]).get(event.chat_id)
        wanting = [
            subscription.webhook_id
            for subscription in subscriptions
            if subscription.wants(event, kind) and self.can_tell(subscription.payload, event)
        ]
        if wanting:
            self._write(tx, [(webhook_id, event) for webhook_id in wanting])

    def can_tell(self, payload: PayloadKind, event: Event) -> bool:
        """Whether an endpoint that takes this kind of payload can be told of the event."""
        if payload is not PayloadKind.CLOUD:
            return True
        dialect = self._dialects.get(payload)
        return dialect is not None and dialect.covers(event)

    def add(self, tx: Tx, *, webhook_id: int, events: Sequence[Event]) -> None:
        """Have these events delivered to one endpoint."""
        self._write(tx, [(webhook_id, event) for event in events])

    def _write(self, tx: Tx, wanted: Sequence[tuple[int, Event]]) -> None:
        outbox_store.add(tx, rows=[self._row(webhook_id, event) for webhook_id, event in wanted])
        webhook_ids = list(dict.fromkeys(webhook_id for webhook_id, _ in wanted))
        tx.after_commit(lambda: self._nudge(webhook_ids))

    def _nudge(self, webhook_ids: Sequence[int]) -> None:
        for webhook_id in webhook_ids:
            self._lanes.nudge(webhook_id)

    def _row(self, webhook_id: int, event: Event) -> dict[str, Any]:
        now = self._clock.now()
        return {
            "id": self._ids.new(),
            "org_id": event.org_id,
            "webhook_id": webhook_id,
            "event_id": event.id,
            "event_type": event.type,
            "strand_id": strand_of(event),
            "state": DeliveryState.PENDING,
            "tries": 0,
            "attempts": 0,
            "due_at": now,
            "created_at": now,
        }
