"""One endpoint's queue: takes what is due from the outbox and has a few deliveries under way at a time."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog

from gateway.db.tx import Database, Tx
from gateway.events.models import Event
from gateway.kit.clock import Clock
from gateway.kit.ids import render_id
from gateway.kit.observe import Signal
from gateway.kit.service import Wakeable
from gateway.kit.vault import VaultError
from gateway.webhooks import outbox_store
from gateway.webhooks.models import Webhook, WebhookDelivery
from gateway.webhooks.poster import Outcome, Poster
from gateway.webhooks.settling import Settler
from gateway.webhooks.target import Target, TargetSeals

log = structlog.get_logger(__name__)

#: Requests to one endpoint at a time.
WIDTH: Final = 8
_READ_AHEAD: Final = 64
_INTERVAL_SECONDS: Final = 30.0
_GRACE_SECONDS: Final = 5.0
_BREATHER_SECONDS: Final = 5.0


@dataclass(frozen=True, kw_only=True)
class LaneParts:
    """What all lanes share."""

    database: Database
    clock: Clock
    seals: TargetSeals
    poster: Poster
    settler: Settler
    settled: Signal[Outcome]
    #: told how each try ended and how many seconds it took
    on_attempt: Callable[[str, float], None]


@dataclass(frozen=True)
class _Look:
    """What one glance into the store showed."""

    webhook: Webhook | None
    due: list[tuple[WebhookDelivery, Event]]
    next_due_at: datetime | None


class Lane(Wakeable):
    """Deliveries to one endpoint, which may hang or fail without anybody else noticing.

    They start in the order of their events. Those of one chat never overlap, so a receiver sees them in order; only
    one that must be tried again is overtaken by later ones.
    """

    def __init__(self, *, webhook_id: int, parts: LaneParts) -> None:
        super().__init__(interval_seconds=_INTERVAL_SECONDS)
        self._webhook_id = webhook_id
        self._parts = parts
        self._target: Target | None = None
        self._ready: deque[tuple[WebhookDelivery, Event]] = deque()
        self._under_way: dict[int, asyncio.Task[None]] = {}
        self._busy: set[Hashable] = set()
        self._next_due_at: datetime | None = None
        self._stale = False

    @property
    def name(self) -> str:
        return f"webhook lane {render_id('whk', self._webhook_id)}"

    @property
    def idle(self) -> bool:
        """Nothing is ready or under way."""
        return not self._ready and not self._under_way

    def changed(self) -> None:
        """The endpoint is different now: look again before anything else is sent."""
        self._stale = True
        self.wake()

    async def run_once(self) -> float | None:
        if self._stale:
            self._stale = False
            self._ready.clear()
        if len(self._ready) < WIDTH:
            await self._look_ahead()
        if self._stale:
            return 0.0  # what was read may be older than the change
        self._start_ready()
        if self._next_due_at is None or self._ready:
            return None
        return max((self._next_due_at - self._parts.clock.now()).total_seconds(), 0.0)

    async def stop(self) -> None:
        """Take nothing new; give what is under way a moment. What is cut off is tried again after the next start."""
        await super().stop()
        tasks = list(self._under_way.values())
        if tasks:
            _, slow = await asyncio.wait(tasks, timeout=_GRACE_SECONDS)
            for task in slow:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _look_ahead(self) -> None:
        # Noted before the store is read: one that is settled meanwhile may still look pending there.
        known = {delivery.id for delivery, _ in self._ready} | self._under_way.keys()
        look = await self._parts.database.read(self._look)
        self._target = None if look.webhook is None else self._unseal(look.webhook)
        if self._target is None:
            self._next_due_at = None
            self._ready.clear()
            return
        self._next_due_at = look.next_due_at
        self._ready.extend((delivery, event) for delivery, event in look.due if delivery.id not in known)

    def _unseal(self, webhook: Webhook) -> Target | None:
        try:
            return self._parts.seals.open(webhook)
        except VaultError as error:
            # Nothing is lost: the deliveries wait until the right key is back in the data folder.
            log.error("webhook not unsealed", webhook_id=render_id("whk", webhook.id), problem=str(error))
            return None

    def _look(self, tx: Tx) -> _Look:
        webhook = outbox_store.find_active(tx, webhook_id=self._webhook_id)
        if webhook is None:
            return _Look(None, [], None)
        now = self._parts.clock.now()
        limit = _READ_AHEAD + len(self._ready) + len(self._under_way)
        due = outbox_store.due(tx, webhook_id=webhook.id, now=now, limit=limit)
        return _Look(webhook, list(due), outbox_store.next_due_at(tx, webhook_id=webhook.id, now=now))

    def _start_ready(self) -> None:
        waiting: deque[tuple[WebhookDelivery, Event]] = deque()
        passed: set[Hashable] = set()
        while self._ready and self._target is not None and len(self._under_way) < WIDTH:
            delivery, event = self._ready.popleft()
            strand = _strand_of(event)
            if strand in self._busy or strand in passed:
                passed.add(strand)
                waiting.append((delivery, event))
            else:
                self._start(self._target, delivery, event, strand)
        self._ready.extendleft(reversed(waiting))

    def _start(self, target: Target, delivery: WebhookDelivery, event: Event, strand: Hashable) -> None:
        self._busy.add(strand)
        task = asyncio.create_task(self._deliver(target, delivery, event, strand), name="webhook delivery")
        self._under_way[delivery.id] = task

    async def _deliver(self, target: Target, delivery: WebhookDelivery, event: Event, strand: Hashable) -> None:
        try:
            outcome = await self._parts.poster.post(target, event)
            self._parts.on_attempt(outcome.kind, outcome.duration_ms / 1000)
            if await self._parts.settler.settle(delivery, outcome):
                self.changed()
            self._parts.settled.fire(outcome)
        except Exception:
            # The store is in trouble, not the endpoint. The delivery is still pending: it will be made again.
            log.exception("delivery not settled", delivery_id=render_id("dlv", delivery.id))
            await self._breathe()
        finally:
            del self._under_way[delivery.id]
            self._busy.discard(strand)
            self.wake()

    async def _breathe(self) -> None:
        try:
            await asyncio.wait_for(self.stopping.wait(), _BREATHER_SECONDS)
        except TimeoutError:
            return


def _strand_of(event: Event) -> Hashable:
    """Events of one strand are delivered one after the other."""
    if event.chat_id is not None:
        return ("chat", event.chat_id)
    if event.session_id is not None:
        return ("session", event.session_id)
    return (event.subject_type, event.subject_id)
