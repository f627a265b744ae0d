"""Fires schedules at their times."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import islice

import structlog

from gateway.db.tx import Database, Tx
from gateway.kit.clock import Clock
from gateway.kit.errors import GatewayError
from gateway.kit.ids import render_id
from gateway.kit.service import Wakeable
from gateway.media.errors import MediaFetchError
from gateway.schedules import store
from gateway.schedules.catching_up import Policy, Step, plan
from gateway.schedules.firing import EXPIRED, MISFIRE, Firing
from gateway.schedules.models import Schedule
from gateway.schedules.templates import Templates, is_fetched, request_of
from gateway.schedules.timing import recurrence_of

log = structlog.get_logger(__name__)

#: How many schedules one pass takes up, and how many of them write at the same time: others write in between.
BATCH_LIMIT = 200
_AT_ONCE = 8
#: How many files of schedules are fetched at the same time.
_FETCHES_AT_ONCE = 4
#: How many times of one schedule are caught up with before others have their turn.
_STEPS_AT_ONCE = 4
#: How soon a schedule is tried again that the gateway itself failed to deal with, or whose file could not be had.
_REST = timedelta(seconds=30)
#: For so long a file may fail to come before its time counts as missed.
_FETCH_PATIENCE = timedelta(minutes=5)

#: Told of every time that was dealt with: how it ended, how many times it stands for, and how late it was.
OnRun = Callable[[str, int, float], None]


@dataclass(frozen=True, kw_only=True)
class _Due:
    """A schedule whose time has come, with what is to be done about it."""

    row: Schedule
    steps: Sequence[Step]


class Scheduler(Wakeable):
    """Looks at the due rows when one is due, when a schedule was changed, and every two seconds anyway.

    The wall clock alone decides. When it jumps ahead that is noticed at the next look; when it is put back nothing
    comes twice, since what was dealt with is no longer due.
    """

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        firing: Firing,
        templates: Templates,
        on_run: OnRun,
        interval_seconds: float = 2.0,
        batch_limit: int = BATCH_LIMIT,
    ) -> None:
        super().__init__(interval_seconds=interval_seconds)
        self._database = database
        self._clock = clock
        self._firing = firing
        self._templates = templates
        self._on_run = on_run
        self._batch_limit = batch_limit
        self._writing = asyncio.Semaphore(_AT_ONCE)
        self._fetching = asyncio.Semaphore(_FETCHES_AT_ONCE)
        self._fetches: dict[int, asyncio.Task[None]] = {}
        self._rests: dict[int, datetime] = {}  #: schedules that are let be for a while

    async def run_once(self) -> float | None:
        now = self._clock.now()
        self._rests = {schedule_id: until for schedule_id, until in self._rests.items() if until > now}
        busy = {*self._fetches, *self._rests}
        rows = await self._database.read(lambda tx: store.due(tx, at=now, limit=self._batch_limit, but=busy))
        if rows:
            await asyncio.gather(*(self._take(due) for due in await asyncio.to_thread(_plans, rows, now)))
            return 0.0
        following = await self._database.read(lambda tx: store.next_time(tx, after=now))
        return None if following is None else (following - self._clock.now()).total_seconds()

    async def stop(self) -> None:
        """What is being fetched is let go of; its time is still due at the next start."""
        await super().stop()
        for task in self._fetches.values():
            task.cancel()
        await asyncio.gather(*self._fetches.values(), return_exceptions=True)

    async def _take(self, due: _Due) -> None:
        """A file to be fetched keeps nobody else waiting."""
        if is_fetched(due.row):
            task = asyncio.create_task(self._fetch_and_deal(due), name=f"schedule {due.row.id}")
            self._fetches[due.row.id] = task
            return
        async with self._writing:
            await self._deal(due)

    async def _fetch_and_deal(self, due: _Due) -> None:
        try:
            async with self._fetching:
                await self._deal(due)
        finally:
            del self._fetches[due.row.id]
            self.wake()

    async def _deal(self, due: _Due) -> None:
        try:
            for step in due.steps:
                await self._do(due.row, step)
        except GatewayError as error:
            log.warning("schedule put off", schedule_id=render_id("sch", due.row.id), code=error.code)
            self._rests[due.row.id] = self._clock.now() + _REST
        except Exception:
            log.exception("schedule failed", schedule_id=render_id("sch", due.row.id))
            self._rests[due.row.id] = self._clock.now() + _REST

    async def _do(self, row: Schedule, step: Step) -> None:
        request = request_of(row, due_at=step.due_at)
        if not step.is_fired:
            await self._miss(row, step, MISFIRE)
            return
        if request.expires_at is not None and request.expires_at <= self._clock.now():
            await self._miss(row, step, EXPIRED)
            return
        try:
            content, media_id = await self._templates.compose(request, org_id=row.org_id)
            work = partial(
                self._firing.fire,
                schedule_id=row.id,
                step=step,
                request=request,
                content=content,
                media_id=media_id,
            )
            is_ours = await self._write(work)
        except GatewayError as error:
            if error.status >= 500 or self._may_come_yet(error, step):
                raise
            await self._miss(row, step, error.code)
            return
        if is_ours:
            self._on_run("queued", 1, (self._clock.now() - step.due_at).total_seconds())

    def _may_come_yet(self, error: GatewayError, step: Step) -> bool:
        return isinstance(error, MediaFetchError) and self._clock.now() - step.due_at < _FETCH_PATIENCE

    async def _miss(self, row: Schedule, step: Step, reason: str) -> None:
        work = partial(self._firing.miss, schedule_id=row.id, step=step, reason=reason)
        if await self._write(work):
            log.warning("schedule missed", schedule_id=render_id("sch", row.id), reason=reason, times=step.times)
            self._on_run("missed", step.times, (self._clock.now() - step.due_at).total_seconds())

    async def _write(self, work: Callable[[Tx], bool]) -> bool:
        return await self._database.write(work)


def _plans(rows: Sequence[Schedule], now: datetime) -> list[_Due]:
    """What is to be done about each, which takes some calculating."""
    return [_Due(row=row, steps=_steps(row, now)) for row in rows]


def _steps(row: Schedule, now: datetime) -> Sequence[Step]:
    assert row.next_at is not None, "what is due has a time"
    policy = Policy(misfire=row.misfire, grace=timedelta(seconds=row.misfire_grace_seconds))
    left = None if row.count is None else row.count - row.occurred
    steps = plan(recurrence_of(row), policy, next_at=row.next_at, now=now, left=left)
    return tuple(islice(steps, _STEPS_AT_ONCE))
