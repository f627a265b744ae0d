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
    was_cut_off: bool  #: more is due than was read


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
        #: The store may hold more that is due than has been read.
        self._behind = False
        self._was_failing = True

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
        else:
            self._behind = True
        if self._stale:
            return 0.0  # what was read may be older than the change
        self._start_ready()
        if self._next_due_at is None or self._behind:
            return None  # where it is behind, the next delivery that ends leads here
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
        if look.webhook is None or self._target is None:
            self._next_due_at, self._behind = None, False
            self._ready.clear()
            return
        self._next_due_at, self._behind = look.next_due_at, look.was_cut_off
        self._was_failing = look.webhook.failing_since is not None
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
            return _Look(None, [], None, was_cut_off=False)
        now = self._parts.clock.now()
        limit = _READ_AHEAD + len(self._ready) + len(self._under_way)
        due = list(outbox_store.due(tx, webhook_id=webhook.id, now=now, limit=limit))
        next_due_at = outbox_store.next_due_at(tx, webhook_id=webhook.id, now=now)
        return _Look(webhook, due, next_due_at, was_cut_off=len(due) == limit)

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
            self._was_failing = self._was_failing or not outcome.delivered
            if await self._parts.settler.settle(delivery, outcome, was_failing=self._was_failing):
                self.changed()
            self._behind = self._behind or not outcome.delivered  # it is due again some time
            self._parts.settled.fire(outcome)
        except Exception:
            # The store is in trouble, not the endpoint. The delivery is still pending: it will be made again.
            log.exception("delivery not settled", delivery_id=render_id("dlv", delivery.id))
            await self._breathe()
            self._behind = True
        finally:
            del self._under_way[delivery.id]
            self._busy.discard(strand)
            self._go_on()

    def _go_on(self) -> None:
        """Start what may start now; the store is asked only where it may know more than this lane does."""
        if self._behind or self._stale:
            self.wake()
        elif not self.stopping.is_set():
            self._start_ready()

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
