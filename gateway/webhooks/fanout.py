"""Puts each event into the outbox of every endpoint that wants it, in the transaction of the event."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Protocol

from gateway.db.tx import Tx
from gateway.events.interest import Interest
from gateway.events.models import Event
from gateway.kit.clock import Clock
from gateway.kit.ids import IdGenerator
from gateway.webhooks import outbox_store
from gateway.webhooks.models import DeliveryState

#: Goes only to the endpoint it is about, whatever that one subscribes to.
TEST_EVENT: Final = "webhook.test"


class Lanes(Protocol):
    """Whoever delivers; called on the event loop."""

    def nudge(self, webhook_id: int) -> None:
        """Something new waits for this endpoint."""

    def changed(self, webhook_id: int) -> None:
        """The endpoint itself is different now."""


class Fanout:
    """Subscriber of the event log."""

    def __init__(self, *, clock: Clock, ids: IdGenerator, lanes: Lanes) -> None:
        self._clock = clock
        self._ids = ids
        self._lanes = lanes

    def __call__(self, tx: Tx, event: Event) -> None:
        """Write a delivery for each endpoint that wants the event."""
        wanting = [
            webhook_id
            for webhook_id, globs, session_ids in outbox_store.active_subscriptions(tx, org_id=event.org_id)
            if _wants(webhook_id, globs, session_ids, event)
        ]
        for webhook_id in wanting:
            self.add(tx, webhook_id=webhook_id, events=[event])

    def add(self, tx: Tx, *, webhook_id: int, events: Sequence[Event]) -> None:
        """Have these events delivered to one endpoint."""
        now = self._clock.now()
        rows = [
            {
                "id": self._ids.new(),
                "org_id": event.org_id,
                "webhook_id": webhook_id,
                "event_id": event.id,
                "event_type": event.type,
                "state": DeliveryState.PENDING,
                "tries": 0,
                "attempts": 0,
                "due_at": now,
                "created_at": now,
            }
            for event in events
        ]
        outbox_store.add(tx, rows=rows)
        tx.after_commit(lambda: self._lanes.nudge(webhook_id))


def subscribes(globs: Iterable[str], session_ids: Sequence[int] | None, event: Event) -> bool:
    """Whether an endpoint with these filters is told of the event."""
    return Interest.of(org_id=event.org_id, globs=globs, session_ids=session_ids).covers(event)


def _wants(webhook_id: int, globs: Iterable[str], session_ids: Sequence[int] | None, event: Event) -> bool:
    if event.type == TEST_EVENT:
        return event.subject_id == webhook_id
    return subscribes(globs, session_ids, event)
