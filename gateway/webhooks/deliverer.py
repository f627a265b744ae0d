"""Delivers the outbox: a lane for every endpoint for which something waits."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from datetime import timedelta
from types import MappingProxyType
from typing import Final

from gateway.db.tx import Database
from gateway.events.service import EventLog
from gateway.kit.clock import Clock
from gateway.kit.guarded_http import GuardedHttp
from gateway.kit.ids import IdGenerator
from gateway.kit.observe import Signal
from gateway.kit.service import Wakeable
from gateway.webhooks import outbox_store
from gateway.webhooks.dialect import Dialects
from gateway.webhooks.lane import Lane, LaneParts
from gateway.webhooks.poster import Outcome, Poster
from gateway.webhooks.settling import Settler
from gateway.webhooks.target import TargetSeals
from gateway.webhooks.turnstile import Turnstile
from gateway.webhooks.verdicts import Verdicts

_INTERVAL_SECONDS: Final = 30.0


class Deliverer(Wakeable):
    """Owns the lanes. Woken after each commit that put something into the outbox; looks by itself now and then."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        ids: IdGenerator,
        chance: random.Random,
        events: EventLog,
        seals: TargetSeals,
        http: GuardedHttp,
        timeout_seconds: float,
        disable_after: timedelta,
        on_attempt: Callable[[str, float], None],
        turnstile: Turnstile | None = None,
        dialects: Dialects = MappingProxyType({}),
    ) -> None:
        super().__init__(interval_seconds=_INTERVAL_SECONDS)
        self.settled: Signal[Outcome] = Signal()
        self.verdicts = Verdicts()
        self._database = database
        self._parts = LaneParts(
            database=database,
            clock=clock,
            seals=seals,
            poster=Poster(http=http, clock=clock, chance=chance, timeout_seconds=timeout_seconds, dialects=dialects),
            settler=Settler(
                database=database, clock=clock, ids=ids, chance=chance, events=events, disable_after=disable_after
            ),
            turnstile=turnstile or Turnstile(),
            settled=self.settled,
            verdicts=self.verdicts,
            on_attempt=on_attempt,
        )
        self._lanes: dict[int, Lane] = {}

    @property
    def lanes(self) -> int:
        """How many endpoints are being served."""
        return len(self._lanes)

    def nudge(self, webhook_id: int) -> None:
        """Something new waits for this endpoint. Call on the event loop."""
        lane = self._lanes.get(webhook_id)
        if lane is None:
            self.wake()
        else:
            lane.wake()

    def changed(self, webhook_id: int) -> None:
        """The endpoint itself is different now. Call on the event loop."""
        lane = self._lanes.get(webhook_id)
        if lane is None:
            self.wake()
        else:
            lane.changed()

    async def run_once(self) -> float | None:
        wanted = set(await self._database.read(outbox_store.webhooks_with_work))
        for webhook_id in wanted:
            await self._open(webhook_id)
        retired = [known for known, lane in self._lanes.items() if known not in wanted and lane.idle]
        for webhook_id in retired:
            await self._lanes.pop(webhook_id).stop()
        # Work may have come for a lane while it was closing; another look finds it.
        return 0.0 if retired else None

    async def stop(self) -> None:
        """Stop every lane; what is not delivered stays in the outbox."""
        await super().stop()
        lanes, self._lanes = self._lanes, {}
        await asyncio.gather(*(lane.stop() for lane in lanes.values()))

    async def _open(self, webhook_id: int) -> None:
        lane = self._lanes.get(webhook_id)
        if lane is None:
            lane = self._lanes[webhook_id] = Lane(webhook_id=webhook_id, parts=self._parts)
            await lane.start()
        lane.wake()
