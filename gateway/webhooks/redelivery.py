"""Telling an endpoint again: one delivery, or a stretch of the event log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Final

from gateway.db.tx import Database, Tx
from gateway.events.catalogue import matching
from gateway.events.models import Event
from gateway.kit.clock import Clock
from gateway.webhooks import outbox_store, replay_store
from gateway.webhooks.fanout import Fanout, Lanes
from gateway.webhooks.models import PayloadKind, Webhook, WebhookDelivery
from gateway.webhooks.states import DeliveryState, delivery_step
from gateway.webhooks.subscriptions import TEST_EVENT, Subscription

_CHUNK: Final = 500
_MOST_AT_ONCE: Final = 10_000


class ReplayOnly(StrEnum):
    """Which events of the stretch are told again."""

    UNDELIVERED = "undelivered"  #: failed and missing
    FAILED = "failed"  #: given up
    MISSING = "missing"  #: never put into the outbox, because the endpoint was off or not there yet
    ALL = "all"


_REPEATED: Final = {
    ReplayOnly.UNDELIVERED: frozenset({DeliveryState.DEAD}),
    ReplayOnly.FAILED: frozenset({DeliveryState.DEAD}),
    ReplayOnly.MISSING: frozenset[DeliveryState](),
    ReplayOnly.ALL: frozenset({DeliveryState.DEAD, DeliveryState.DELIVERED}),
}


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """Which part of the log: after a position, from a moment, until a moment."""

    only: ReplayOnly
    after: int = 0
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class ReplayResult:
    """How many were put into the outbox, by why, and after which event to go on when there may be more."""

    failed: int = 0
    missing: int = 0
    delivered: int = 0
    next_after: int | None = None

    @property
    def queued(self) -> int:
        """All of them."""
        return self.failed + self.missing + self.delivered

    def plus(self, other: ReplayResult) -> ReplayResult:
        """Both together, as far as the second came."""
        return ReplayResult(
            failed=self.failed + other.failed,
            missing=self.missing + other.missing,
            delivered=self.delivered + other.delivered,
            next_after=other.next_after,
        )


class Redelivery:
    """Puts deliveries back into the outbox, with the whole retry schedule before them."""

    def __init__(self, *, database: Database, clock: Clock, fanout: Fanout, lanes: Lanes) -> None:
        self._database = database
        self._clock = clock
        self._fanout = fanout
        self._lanes = lanes

    def redeliver(self, tx: Tx, webhook: Webhook, delivery: WebhookDelivery) -> None:
        """Deliver one once more, now."""
        delivery.state = delivery_step(delivery.state, DeliveryState.PENDING)
        delivery.tries = 0
        delivery.due_at = self._clock.now()
        delivery.finished_at = None
        self._nudge(tx, webhook.id)

    async def replay(self, webhook: Webhook, stretch: Stretch, *, dry_run: bool) -> ReplayResult:
        """Go through the log, a chunk to a transaction, and up to a limit. A dry run only counts."""
        perform = self._database.read if dry_run else self._database.write
        total = ReplayResult()
        for _ in range(_MOST_AT_ONCE // _CHUNK):
            chunk = await perform(partial(self._chunk, webhook=webhook, stretch=stretch, dry_run=dry_run))
            total = total.plus(chunk)
            if chunk.next_after is None:
                break
            stretch = replace(stretch, after=chunk.next_after)
        return total

    def _chunk(self, tx: Tx, webhook: Webhook, stretch: Stretch, dry_run: bool) -> ReplayResult:
        # Two replays at once would put the same event in twice.
        if not dry_run and outbox_store.lock_webhook(tx, webhook_id=webhook.id) is None:
            return ReplayResult()
        found = self._find(tx, webhook, stretch)
        states = replay_store.states_of(tx, webhook_id=webhook.id, event_ids=[event.id for event in found])
        missing: list[Event] = []
        if stretch.only is not ReplayOnly.FAILED:
            missing = self._wanted(tx, webhook, [event for event in found if event.id not in states])
        repeated = [event_id for event_id, state in states.items() if state in _REPEATED[stretch.only]]
        if not dry_run:
            self._put_back(tx, webhook, missing=missing, repeated=repeated)
        dead = sum(states[event_id] == DeliveryState.DEAD for event_id in repeated)
        following = found[-1].id if len(found) == _CHUNK else None
        return ReplayResult(failed=dead, missing=len(missing), delivered=len(repeated) - dead, next_after=following)

    def _find(self, tx: Tx, webhook: Webhook, stretch: Stretch) -> Sequence[Event]:
        if stretch.only is ReplayOnly.FAILED:
            return replay_store.dead_after(
                tx, webhook=webhook, after=stretch.after, since=stretch.since, until=stretch.until, limit=_CHUNK
            )
        return replay_store.events_after(
            tx,
            org_id=webhook.org_id,
            after=stretch.after,
            since=stretch.since,
            until=stretch.until,
            types=matching(webhook.events) - {TEST_EVENT},
            limit=_CHUNK,
        )

    def _wanted(self, tx: Tx, webhook: Webhook, events: Sequence[Event]) -> list[Event]:
        subscription = _subscription_of(webhook)
        kinds = outbox_store.kinds_of_chats(tx, events=events) if webhook.chat_kinds is not None else {}
        return [
            event
            for event in events
            if subscription.wants(event, kinds.get(event.chat_id))
            and self._fanout.can_tell(subscription.payload, event)
        ]

    def _put_back(self, tx: Tx, webhook: Webhook, *, missing: Sequence[Event], repeated: Sequence[int]) -> None:
        if missing:
            self._fanout.add(tx, webhook_id=webhook.id, events=missing)
        if repeated:
            replay_store.begin_again(tx, webhook_id=webhook.id, event_ids=repeated, now=self._clock.now())
            self._nudge(tx, webhook.id)

    def _nudge(self, tx: Tx, webhook_id: int) -> None:
        tx.after_commit(lambda: self._lanes.nudge(webhook_id))


def _subscription_of(webhook: Webhook) -> Subscription:
    return Subscription(
        webhook_id=webhook.id,
        globs=webhook.events,
        session_ids=webhook.session_ids,
        chat_kinds=webhook.chat_kinds,
        payload=PayloadKind(webhook.payload),
    )
