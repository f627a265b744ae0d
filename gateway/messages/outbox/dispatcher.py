"""Runs a lane for every session that has something to send, and lets scheduled messages fall due."""

from __future__ import annotations

import asyncio
from contextvars import Context
from datetime import datetime

import structlog

from gateway.db.tx import Tx
from gateway.kit.ids import render_id
from gateway.kit.service import Wakeable
from gateway.messages.outbox import queue_store
from gateway.messages.outbox.candidates import refresh_class
from gateway.messages.outbox.lane import Lane, LaneTools
from gateway.messages.outbox.rescuer import Rescuer
from gateway.messages.states import MessageState
from sessions.engine import StatusChange
from sessions.status import SessionStatus

log = structlog.get_logger(__name__)

_BATCH = 200
FINISH_SECONDS = 8.0


class Dispatcher(Wakeable):
    """Wakes lanes: after a commit that queued something, when a session connects, and when a time has come.

    A wake-up that is lost costs one interval: each pass looks at the rows themselves.
    """

    def __init__(self, *, tools: LaneTools, rescuer: Rescuer, interval_seconds: float = 5.0) -> None:
        super().__init__(interval_seconds=interval_seconds)
        self._tools = tools
        self._rescuer = rescuer
        self._lanes: dict[int, tuple[Lane, asyncio.Task[None]]] = {}
        self.is_open = False
        self._again: set[int] = set()  #: woken while their lane was running
        tools.gate.closures.when_closed(self.wake)

    async def start(self) -> None:
        """Settle what an earlier life left in flight, then begin. Call it before any session is started."""
        await self._rescuer.run()
        self.is_open = True
        await super().start()

    def wake_lane(self, session_id: int) -> None:
        """This session may have something to send. Call on the event loop's thread."""
        if not self.is_open:
            return
        if session_id in self._lanes:
            self._again.add(session_id)
            return
        lane = Lane(session_id=session_id, tools=self._tools)
        name = f"lane {render_id('ses', session_id)}"
        # A lane serves many requests, so that its log lines must not carry the id of the one that woke it.
        task = asyncio.create_task(self._run_lane(lane, session_id), name=name, context=Context())
        self._lanes[session_id] = (lane, task)

    def status_changed(self, session_id: int, change: StatusChange) -> None:
        """A session that has come up has a queue waiting."""
        if change.status is SessionStatus.CONNECTED:
            self._tools.rests.reconnected(session_id)
            self.wake_lane(session_id)

    async def run_once(self) -> float | None:
        """Let due messages fall due, close expired ones, and wake every lane that has work."""
        now, has_more = self._tools.clock.now(), False
        if await self._tools.database.read(lambda tx: queue_store.has_to_sweep(tx, at=now)):
            has_more = await self._tools.database.write(lambda tx: self._sweep(tx, now))
        sessions, following = await self._tools.database.read(
            lambda tx: (queue_store.sessions_with_queue(tx), queue_store.next_time(tx, after=now))
        )
        await self._rescuer.rescue_stranded(busy=lambda session_id: session_id in self._lanes)
        for session_id in sessions:
            self.wake_lane(session_id)
        return 0.0 if has_more else self._seconds_until(following)

    async def settle_overdue(self) -> None:
        """Settle what is under way for longer than it can be, and end the lane that hangs on it."""
        for session_id in await self._rescuer.rescue_overdue():
            _, task = self._lanes.get(session_id, (None, None))
            if task is not None:
                log.error("lane hangs, ended", session_id=render_id("ses", session_id))
                task.cancel()
                self._again.add(session_id)

    async def stop(self) -> None:
        """Take nothing new, wait a while for what is under way. What is cut off is rescued at the next start."""
        self.is_open = False
        for lane, _ in self._lanes.values():
            lane.ask_to_stop()
        tasks = [task for _, task in self._lanes.values()]
        if tasks:
            _, pending = await asyncio.wait(tasks, timeout=FINISH_SECONDS)
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)
        await super().stop()

    def _seconds_until(self, following: datetime | None) -> float | None:
        now = self._tools.clock.now()
        ends = self._tools.rests.ends() + self._tools.gate.closures.ends(at=now)
        soonest = min(ends if following is None else [following, *ends], default=None)
        return None if soonest is None else (soonest - now).total_seconds()

    def _sweep(self, tx: Tx, now: datetime) -> bool:
        """True where there is more to sweep than was taken at once."""
        progress = self._tools.progress
        for entry in queue_store.list_expired(tx, at=now, limit=_BATCH):
            progress.move(tx, entry, MessageState.EXPIRED, reason="expired")
        due = queue_store.list_due(tx, at=now, limit=_BATCH)
        for entry in due:
            if entry.message.state == MessageState.SCHEDULED:
                progress.move(tx, entry, MessageState.QUEUED)
            else:
                refresh_class(entry, at=now)
                progress.release(tx, entry.message)
        return len(due) == _BATCH

    async def _run_lane(self, lane: Lane, session_id: int) -> None:
        try:
            await lane.run()
        except Exception:
            # The rows tell the truth and the next pass tries again; a message left in flight is not sent twice.
            log.exception("lane failed", session_id=render_id("ses", session_id))
        finally:
            del self._lanes[session_id]
            if session_id in self._again:
                self._again.discard(session_id)
                self.wake_lane(session_id)
