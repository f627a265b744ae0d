"""Deletes old events, with what became of them at webhooks."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Final

from gateway.db.tx import Database, Tx
from gateway.events.service import EventLog, Forgotten
from gateway.kit.clock import Clock
from gateway.webhooks.service import Webhooks

#: Small bites, so that nobody waits long for the writer.
BITE: Final = 200


class OldEvents:
    """An event goes when it is older than ``keep`` and neither an endpoint nor a consumer has yet to deal with it.

    For consumers there is an end to that, ``keep_unacked``; they are told when it has come.
    """

    name = "events"

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        events: EventLog,
        webhooks: Webhooks,
        keep: timedelta,
        keep_unacked: timedelta,
    ) -> None:
        self._database = database
        self._clock = clock
        self._events = events
        self._webhooks = webhooks
        self._keep = keep
        self._keep_unacked = max(keep, keep_unacked)

    async def run_once(self) -> int:
        before = self._clock.now() - self._keep
        gone = 0
        after: int | None = 0
        while after is not None:
            bite = await self._database.write(partial(self._take_bite, before=before, after=after))
            gone, after = gone + bite.count, bite.next_after
        return gone

    def _take_bite(self, tx: Tx, before: datetime, after: int) -> Forgotten:
        return self._events.forget(
            tx,
            before=before,
            after=after,
            limit=BITE,
            needed=self._webhooks.needed_events,
            unacked_before=before + self._keep - self._keep_unacked,
        )
