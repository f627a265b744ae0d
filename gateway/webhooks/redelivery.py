"""Telling an endpoint again: one delivery, or a stretch of the event log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Final

from gateway.db.tx import Database, Tx
from gateway.events.catalogue import matching
from gateway.events.models import Event
from gateway.kit.clock import Clock
from gateway.webhooks import outbox_store
from gateway.webhooks.fanout import TEST_EVENT, Fanout, Lanes, subscribes
from gateway.webhooks.models import DeliveryState, Webhook, WebhookDelivery

_CHUNK: Final = 500
_MOST_AT_ONCE: Final = 10_000


class ReplayOnly(StrEnum):
    """Which events of the stretch are told again."""

    UNDELIVERED = "undelivered"
    ALL = "all"


@dataclass(frozen=True, kw_only=True)
class ReplayResult:
    """How many deliveries were put into the outbox, and after which event to go on when there may be more."""

    queued: int
    next_after: int | None


@dataclass(frozen=True)
class _Chunk:
    queued: int
    last: int
    full: bool


class Redelivery:
    """Puts deliveries back into the outbox, with the whole retry schedule before them."""

    def __init__(self, *, database: Database, clock: Clock, fanout: Fanout, lanes: Lanes) -> None:
        self._database = database
        self._clock = clock
        self._fanout = fanout
        self._lanes = lanes

    def redeliver(self, tx: Tx, webhook: Webhook, delivery: WebhookDelivery) -> None:
        """Deliver one once more, now."""
        delivery.state = DeliveryState.PENDING
        delivery.tries = 0
        delivery.due_at = self._clock.now()
        delivery.finished_at = None
        self._nudge(tx, webhook.id)

    async def replay(self, webhook: Webhook, *, after: int, since: datetime | None, only: ReplayOnly) -> ReplayResult:
        """Go through the log from there, a chunk to a transaction, and up to a limit."""
        queued, seen = 0, 0
        while seen < _MOST_AT_ONCE:
            work = partial(self._chunk, webhook=webhook, after=after, since=since, only=only)
            chunk = await self._database.write(work)
            queued, seen, after = queued + chunk.queued, seen + _CHUNK, chunk.last
            if not chunk.full:
                return ReplayResult(queued=queued, next_after=None)
        return ReplayResult(queued=queued, next_after=after)

    def _chunk(self, tx: Tx, webhook: Webhook, after: int, since: datetime | None, only: ReplayOnly) -> _Chunk:
        types = matching(webhook.events) - {TEST_EVENT}
        found = outbox_store.events_between(
            tx, org_id=webhook.org_id, after=after, since=since, types=types, limit=_CHUNK
        )
        wanted = [event for event in found if subscribes(webhook.events, webhook.session_ids, event)]
        queued = self._put_back(tx, webhook, wanted, only) if wanted else 0
        return _Chunk(queued=queued, last=found[-1].id if found else after, full=len(found) == _CHUNK)

    def _put_back(self, tx: Tx, webhook: Webhook, events: Sequence[Event], only: ReplayOnly) -> int:
        states = outbox_store.states_of(tx, webhook_id=webhook.id, event_ids=[event.id for event in events])
        missing = [event for event in events if event.id not in states]
        again = (
            {DeliveryState.DEAD} if only is ReplayOnly.UNDELIVERED else {DeliveryState.DEAD, DeliveryState.DELIVERED}
        )
        repeated = [event_id for event_id, state in states.items() if state in again]
        if missing:
            self._fanout.add(tx, webhook_id=webhook.id, events=missing)
        if repeated:
            outbox_store.begin_again(tx, webhook_id=webhook.id, event_ids=repeated, now=self._clock.now())
            self._nudge(tx, webhook.id)
        return len(missing) + len(repeated)

    def _nudge(self, tx: Tx, webhook_id: int) -> None:
        tx.after_commit(lambda: self._lanes.nudge(webhook_id))
