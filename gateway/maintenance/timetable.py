"""When chores are done."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, timedelta
from typing import Final, Literal

import structlog
from apscheduler.events import EVENT_SCHEDULER_SHUTDOWN
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from gateway.kit.clock import Clock
from gateway.kit.service import Service
from gateway.maintenance.chore import Chore

log = structlog.get_logger(__name__)

#: How often each chore is done.
EVERY: Final = {
    "answers": timedelta(minutes=10),
    "events": timedelta(hours=1),
    "links": timedelta(hours=6),
    "runs": timedelta(hours=6),
    "spool": timedelta(hours=6),
    "media": timedelta(hours=1),
    "bucket": timedelta(hours=6),
    "copies": timedelta(hours=6),
    "optimize": timedelta(days=1),
    "moved keys": timedelta(days=1),
}
#: A gateway that is often started anew must do its chores too, but not while it is busy with starting.
FIRST_AFTER: Final = timedelta(minutes=2)
#: Gateways that were started together do not do their chores together.
_JITTER_PART: Final = 0.1

#: Told how a chore ended and how many things it dealt with.
OnRun = Callable[[str, Literal["done", "failed"], int], None]


class Timetable(Service):
    """Does chores at their times. One that fails is logged and done again at its next time."""

    def __init__(
        self, *, chores: Sequence[Chore], clock: Clock, on_run: OnRun, first_after: timedelta = FIRST_AFTER
    ) -> None:
        super().__init__()
        self.chores = tuple(chores)
        self._clock = clock
        self._on_run = on_run
        self._first_after = first_after
        self._under_way: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        scheduler = self._make_scheduler()
        scheduler.start()
        try:
            await self.stopping.wait()
        finally:
            scheduler.pause()
            await self._cut_short()
            await _shut_down(scheduler)

    def _make_scheduler(self) -> AsyncIOScheduler:
        """Nothing is kept of it: times that passed while the gateway was down are of no interest."""
        scheduler = AsyncIOScheduler(jobstores={"default": MemoryJobStore()}, timezone=UTC)
        for chore in self.chores:
            seconds = EVERY[chore.name].total_seconds()
            scheduler.add_job(
                self._run_chore,
                IntervalTrigger(seconds=int(seconds), jitter=int(seconds * _JITTER_PART), timezone=UTC),
                args=[chore],
                id=chore.name,
                next_run_time=self._clock.now() + self._first_after,
                max_instances=1,
                # However late it is, a chore is worth doing, and once is enough.
                misfire_grace_time=None,
                coalesce=True,
            )
        return scheduler

    async def _run_chore(self, chore: Chore) -> None:
        task = asyncio.current_task()
        assert task is not None, "the scheduler runs coroutines in tasks"
        self._under_way.add(task)
        try:
            await self._do(chore)
        except asyncio.CancelledError:
            if not self.stopping.is_set():
                raise
        finally:
            self._under_way.discard(task)

    async def _do(self, chore: Chore) -> None:
        began = self._clock.monotonic()
        try:
            count = await chore.run_once()
        except Exception:
            log.exception("chore failed", chore=chore.name)
            self._on_run(chore.name, "failed", 0)
            return
        seconds = round(self._clock.monotonic() - began, 3)
        log.info("chore done", chore=chore.name, count=count, seconds=seconds)
        self._on_run(chore.name, "done", count)

    async def _cut_short(self) -> None:
        """A chore may be left at any time; what it was about is due again the next time."""
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)


async def _shut_down(scheduler: AsyncIOScheduler) -> None:
    """The scheduler stops in a later turn of the loop; wait for that."""
    stopped = asyncio.Event()
    scheduler.add_listener(lambda _event: stopped.set(), EVENT_SCHEDULER_SHUTDOWN)
    scheduler.shutdown(wait=False)
    await stopped.wait()
