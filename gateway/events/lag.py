"""Looks now and then how far behind named consumers are, for the metrics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gateway.db.tx import Database, Tx
from gateway.events import consumer_store, store
from gateway.events.consumers import interest_of
from gateway.events.interest import Interest
from gateway.kit.clock import Clock
from gateway.kit.ids import render_id
from gateway.kit.service import Wakeable

LOOK_EVERY_SECONDS: Final = 15.0
_Place = tuple[int, int, Interest]


class ConsumerLag(Wakeable):
    """The age of the oldest event that each consumer has yet to deal with."""

    def __init__(self, *, database: Database, clock: Clock, look_every_seconds: float = LOOK_EVERY_SECONDS) -> None:
        super().__init__(interval_seconds=look_every_seconds)
        self._database = database
        self._clock = clock
        self._seconds: Mapping[str, float] = {}
        #: where to go on looking for somebody who wants little of a long log
        self._looked: dict[_Place, int] = {}

    def by_consumer(self) -> Mapping[str, float]:
        """Seconds, by the consumer's id, as of the last look."""
        return self._seconds

    async def run_once(self) -> float | None:
        self._seconds = await self._database.read(self._measure)
        return None

    def _measure(self, tx: Tx) -> Mapping[str, float]:
        now, end = self._clock.now(), store.last_position(tx)
        found, looked = {}, {}
        for consumer in consumer_store.everyone(tx):
            place = (consumer.id, consumer.position, interest_of(consumer))
            after = self._looked.get(place, consumer.position)
            oldest = store.page_for(tx, interest_of(consumer), after=after, limit=1)
            looked[place] = after if oldest else max(after, end)
            found[render_id("evc", consumer.id)] = max((now - oldest[0].at).total_seconds(), 0.0) if oldest else 0.0
        self._looked = looked
        return found
