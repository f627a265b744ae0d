"""Keeps the outbox honest: nothing stays under way or queued for long without somebody being told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

import structlog

from gateway.db.tx import Database, Tx
from gateway.fleet.models import Session
from gateway.kit.clock import Clock
from gateway.kit.ids import render_id
from gateway.kit.service import Wakeable
from gateway.messages.models import Queue
from gateway.messages.outbox import control_store, queue_store
from gateway.messages.outbox.control import QueueControl
from gateway.messages.outbox.control_store import Backlog
from gateway.messages.outbox.dispatcher import Dispatcher
from gateway.messages.outbox.doubts import Doubts
from gateway.messages.outbox.queues import Queues
from gateway.messages.outbox.rests import Rests
from gateway.pacing.closures import Closures

log = structlog.get_logger(__name__)


class Watch(Wakeable):
    """Each pass: settles sends that nobody has settled, ends doubts, and tells of queues that do not move."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        dispatcher: Dispatcher,
        doubts: Doubts,
        queues: Queues,
        control: QueueControl,
        closures: Closures,
        rests: Rests,
        stalled_after: timedelta = timedelta(minutes=5),
        interval_seconds: float = 5.0,
    ) -> None:
        super().__init__(interval_seconds=interval_seconds)
        self._database = database
        self._clock = clock
        self._dispatcher = dispatcher
        self._doubts = doubts
        self._queues = queues
        self._control = control
        self._closures = closures
        self._rests = rests
        self._stalled_after = stalled_after
        self._backlogs: dict[int, list[Backlog]] = {}
        self._started_at = clock.now()

    def depths(self) -> Mapping[str, float]:
        """How many messages may go, by session, as of the last pass."""
        return {render_id("ses", one): float(sum(row.count for row in rows)) for one, rows in self._backlogs.items()}

    def ages(self) -> Mapping[str, float]:
        """For how long the oldest of them has been waiting, by session."""
        now = self._clock.now()
        return {
            render_id("ses", one): max((now - oldest_of(rows)).total_seconds(), 0.0)
            for one, rows in self._backlogs.items()
        }

    async def run_once(self) -> float | None:
        await self._dispatcher.settle_overdue()
        if await self._doubts.judge():
            self._dispatcher.wake()
        await self._look_for_stalls()
        return None

    async def _look_for_stalls(self) -> None:
        found, told = await self._database.read(
            lambda tx: (control_store.backlogs(tx), control_store.stalled_sessions(tx))
        )
        self._backlogs = self._open_ones(found)
        for session_id in self._backlogs:
            if session_id not in told and self._is_stalled(session_id):
                await self._database.write(partial(self._tell, session_id=session_id, is_stalled=True))
        for session_id, since in told.items():
            if self._has_moved(session_id, since):
                await self._database.write(partial(self._tell, session_id=session_id, is_stalled=False))

    def _open_ones(self, found: Sequence[Backlog]) -> dict[int, list[Backlog]]:
        """By session, without what the gate holds back: that waits for a time which is known and shown."""
        now = self._clock.now()
        kept: dict[int, list[Backlog]] = defaultdict(list)
        for row in found:
            if self._closures.find(row.session_id, row.pace_class, at=now) is None:
                kept[row.session_id].append(row)
        return dict(kept)

    def _is_stalled(self, session_id: int) -> bool:
        """Whether something has been able to go for so long, and nothing went."""
        moved_at = self._rests.went_well_at(session_id) or self._started_at
        since = max(oldest_of(self._backlogs[session_id]), moved_at)
        return since <= self._clock.now() - self._stalled_after

    def _has_moved(self, session_id: int, since: datetime) -> bool:
        moved_at = self._rests.went_well_at(session_id)
        return session_id not in self._backlogs or (moved_at is not None and moved_at > since)

    def _tell(self, tx: Tx, session_id: int, *, is_stalled: bool) -> None:
        found = queue_store.session_of_lane(tx, session_id=session_id)
        if found is None:
            return
        session, queue = found
        if queue is None:
            queue = self._queues.open(tx, session)
        if is_stalled:
            self._begin_stall(tx, session, queue)
        else:
            self._end_stall(tx, session, queue)

    def _begin_stall(self, tx: Tx, session: Session, queue: Queue) -> None:
        """A queue that was paused stands still because somebody wants it to, and everybody was told of that."""
        if queue.stalled_at is None and queue.paused_at is None:
            queue.stalled_at = self._clock.now()
            tx.session.flush()
            log.warning("queue stalled", session_id=render_id("ses", session.id))
            self._control.announce(tx, session, "queue.stalled")

    def _end_stall(self, tx: Tx, session: Session, queue: Queue) -> None:
        if queue.stalled_at is not None:
            queue.stalled_at = None
            tx.session.flush()
            log.info("queue flows again", session_id=render_id("ses", session.id))
            self._control.announce(tx, session, "queue.flowing")


def oldest_of(rows: Sequence[Backlog]) -> datetime:
    """Since when the oldest message of a session may go."""
    return min(row.oldest_at for row in rows)
