"""Ends calls of which nothing was heard for so long that they ring no more."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Final

import structlog

from gateway.calls import store
from gateway.calls.service import LONGEST_RING, Calls
from gateway.db.tx import Database
from gateway.kit.clock import Clock
from gateway.kit.service import Wakeable

log = structlog.get_logger(__name__)

#: Small bites, so that nobody waits long for the writer.
_BITE: Final = 100


class CallEnder(Wakeable):
    """Looks now and then. What was missed while a session or the gateway was away comes soon after it is back.

    So a gateway that has just started waits as long as for a call that has just begun.
    """

    def __init__(self, *, database: Database, clock: Clock, calls: Calls, interval_seconds: float = 30.0) -> None:
        super().__init__(interval_seconds=interval_seconds)
        self._database = database
        self._clock = clock
        self._calls = calls
        self._began_at: datetime | None = None

    async def run_once(self) -> float | None:
        """End those whose time is over; give the seconds until the next one's."""
        now = self._clock.now()
        self._began_at = self._began_at or now
        heard = await self._database.read(lambda tx: store.oldest_ringing(tx, limit=_BITE))
        ends = {call_id: max(created_at, self._began_at) + LONGEST_RING for call_id, created_at in heard}
        due = [call_id for call_id, end in ends.items() if end <= now]
        if due:
            count = await self._database.write(partial(self._calls.lapse, call_ids=due))
            log.info("calls rang out unheard", count=count)
        left = [(end - now) / timedelta(seconds=1) for end in ends.values() if end > now]
        return 0.0 if len(due) == _BITE else min(left, default=None)
