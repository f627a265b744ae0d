"""Forgets what came of the times of schedules, long after."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Final

from gateway.db.tx import Database
from gateway.kit.clock import Clock
from gateway.schedules.service import Schedules

KEPT: Final = timedelta(days=90)
#: Small bites, so that nobody waits long for the writer.
BITE: Final = 500


class OldRuns:
    """The messages themselves stay, and so do the counts of each schedule."""

    name = "runs"

    def __init__(self, *, database: Database, clock: Clock, schedules: Schedules) -> None:
        self._database = database
        self._clock = clock
        self._schedules = schedules

    async def run_once(self) -> int:
        forget = partial(self._schedules.forget_runs, before=self._clock.now() - KEPT, limit=BITE)
        gone = 0
        while bite := await self._database.write(lambda tx: forget(tx)):
            gone += bite
        return gone
