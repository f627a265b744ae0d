"""One endpoint's queue: takes what is due from the outbox and has a few deliveries under way at a time."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
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
from gateway.webhooks.pace import WIDTH, Pace
from gateway.webhooks.poster import Outcome, Poster
from gateway.webhooks.settling import Settler
from gateway.webhooks.states import EndpointState
from gateway.webhooks.target import Target, TargetSeals
from gateway.webhooks.turnstile import Turnstile
from gateway.webhooks.verdicts import Verdicts
from sessions.crash import CrashPoint, crash_point

log = structlog.get_logger(__name__)

_READ_AHEAD: Final = 64
#: Deliveries that have been made and are yet to be written down, those under way included.
_MOST_UNSETTLED: Final = 64
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
    turnstile: Turnstile
    settled: Signal[Outcome]
    verdicts: Verdicts
    #: told how each try ended and how many seconds it took
    on_attempt: Callable[[str, float], None]


_Pair = tuple[WebhookDelivery, Event]


@dataclass(frozen=True)
class _Look:
    """What one glance into the store showed."""

    webhook: Webhook | None
    due: list[_Pair]
    next_due_at: datetime | None
    was_cut_off: bool  #: more is due than was read


class Lane(Wakeable):
    """Deliveries to one endpoint, which may hang or fail without anybody else noticing.

    They start in the order of their events. Those of one strand, a chat above all, never overlap, so a receiver sees
    them in order. One that must be tried again is overtaken by later ones, unless the endpoint is ``ordered``: then
    it holds back its strand until it is delivered or given up.
    """

    def __init__(self, *, webhook_id: int, parts: LaneParts) -> None:
        super().__init__(interval_seconds=_INTERVAL_SECONDS)
        self._webhook_id = webhook_id
        self._parts = parts
        self._target: Target | None = None
        self._ordered = False
        self._pace: Pace | None = None
        self._ready: deque[_Pair] = deque()
        self._under_way: dict[int, asyncio.Task[None]] = {}
        #: Strands with a request under way, by whose it is, and those held back since the store was last asked.
        self._busy: dict[int, int] = {}
        self._held: set[int] = set()
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
        return self._seconds_to_wait()

    def _seconds_to_wait(self) -> float | None:
        now = self._parts.clock.now()
        rest = self._pace.rests_until(now) if self._pace else None
        # Where it is behind, the next delivery that ends leads here.
        due = None if self._behind else self._next_due_at
        moments = [moment for moment in (rest, due) if moment is not None]
        return max((min(moments) - now).total_seconds(), 0.0) if moments else None

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
        # Noted before the store is read: what is settled meanwhile may still look pending or due there.
        known = {delivery.id for delivery, _ in self._ready} | self._under_way.keys()
        held = set(self._held)
        look = await self._parts.database.read(self._look)
        self._target = None if look.webhook is None else self._unseal(look.webhook)
        if look.webhook is None or self._target is None:
            self._next_due_at, self._behind = None, False
            self._ready.clear()
            return
        self._held -= held
        self._follow(look.webhook)
        self._next_due_at, self._behind = look.next_due_at, look.was_cut_off
        self._ready.extend(pair for pair in look.due if pair[0].id not in known and pair[0].strand_id not in self._held)

    def _follow(self, webhook: Webhook) -> None:
        """Take over what the endpoint says of itself."""
        self._was_failing = webhook.failing_since is not None
        self._ordered = webhook.ordered
        if self._pace is None:
            self._pace = Pace(slow=webhook.state == EndpointState.FAILING)

    def _unseal(self, webhook: Webhook) -> Target | None:
        try:
            return self._parts.seals.open(webhook)
        except VaultError as error:
            # Nothing is lost: the deliveries wait until the right key is back in the data folder.
            log.error("webhook not unsealed", webhook_id=render_id("whk", webhook.id), problem=str(error))
            return None

    def _look(self, tx: Tx) -> _Look:
        webhook = outbox_store.find_served(tx, webhook_id=self._webhook_id)
        if webhook is None:
            return _Look(None, [], None, was_cut_off=False)
        now = self._parts.clock.now()
        limit = _READ_AHEAD + len(self._ready) + len(self._under_way)
        due = list(outbox_store.due(tx, webhook_id=webhook.id, now=now, limit=limit, in_order=webhook.ordered))
        next_due_at = outbox_store.next_due_at(tx, webhook_id=webhook.id, now=now)
        return _Look(webhook, due, next_due_at, was_cut_off=len(due) == limit)

    def _start_ready(self) -> None:
        waiting: deque[_Pair] = deque()
        passed: set[int] = set()
        while self._ready and self._has_room():
            delivery, event = self._ready.popleft()
            if delivery.strand_id in self._busy or delivery.strand_id in passed:
                passed.add(delivery.strand_id)
                waiting.append((delivery, event))
            else:
                self._start(delivery, event)
        self._ready.extendleft(reversed(waiting))

    def _has_room(self) -> bool:
        if self._target is None or self._pace is None or len(self._under_way) >= _MOST_UNSETTLED:
            return False
        if len(self._busy) >= self._pace.width:
            return False
        return self._pace.rests_until(self._parts.clock.now()) is None

    def _start(self, delivery: WebhookDelivery, event: Event) -> None:
        self._busy[delivery.strand_id] = delivery.id
        task = asyncio.create_task(self._deliver(delivery, event), name="webhook delivery")
        self._under_way[delivery.id] = task

    async def _deliver(self, delivery: WebhookDelivery, event: Event) -> None:
        try:
            outcome = await self._try(event)
            if outcome is not None:
                crash_point(CrashPoint.WEBHOOK_POSTED)
                if outcome.delivered:
                    self._let_next(delivery)  # which need not wait until this one is written down
                await self._settle(delivery, outcome)
        except Exception:
            # The store is in trouble, not the endpoint. The delivery is still pending: it will be made again.
            log.exception("delivery not settled", delivery_id=render_id("dlv", delivery.id))
            self._hold_back(delivery)
            await self._breathe()
            self._behind = True
        finally:
            del self._under_way[delivery.id]
            self._let_next(delivery)

    async def _try(self, event: Event) -> Outcome | None:
        """One request; None when it is not to be made any more, the endpoint having changed before its turn came."""
        pace, target, loop = self._pace, self._target, asyncio.get_running_loop()
        assert pace is not None
        async with self._parts.turnstile.enter(slow=pace.slow):
            if self._stale or self.stopping.is_set() or target is None:
                self._behind = True
                return None
            began = loop.time()
            outcome = await self._parts.poster.post(target, event)
            took_long = loop.time() - began > self._parts.turnstile.patience_seconds
        pace.learn(outcome, took_long=took_long, now=self._parts.clock.now())
        self._parts.on_attempt(outcome.kind, outcome.duration_ms / 1000)
        return outcome

    async def _settle(self, delivery: WebhookDelivery, outcome: Outcome) -> None:
        self._was_failing = self._was_failing or not outcome.delivered
        settlement = await self._parts.settler.settle(delivery, outcome, was_failing=self._was_failing)
        if settlement.waits:
            self._hold_back(delivery)
            self._behind = True  # it is due again some time
        if settlement.turn is not None:
            self.changed()
        self._parts.settled.fire(outcome)
        self._parts.verdicts.tell(delivery.id)

    def _hold_back(self, delivery: WebhookDelivery) -> None:
        """Where order is kept, nothing that was read before may go out behind this one; the store knows what may."""
        if not self._ordered:
            return
        self._held.add(delivery.strand_id)
        self._ready = deque(pair for pair in self._ready if pair[0].strand_id != delivery.strand_id)

    def _let_next(self, delivery: WebhookDelivery) -> None:
        """Its request is over: another one may take its place."""
        if self._busy.get(delivery.strand_id) == delivery.id:
            del self._busy[delivery.strand_id]
        self._go_on()

    def _go_on(self) -> None:
        """Start what may start now; the store is asked only where it may know more than this lane does."""
        if self._behind or self._stale:
            self.wake()
        elif not self.stopping.is_set():
            self._start_ready()

    async def _breathe(self) -> None:
        try:
            async with asyncio.timeout(_BREATHER_SECONDS):
                await self.stopping.wait()
        except TimeoutError:
            return
