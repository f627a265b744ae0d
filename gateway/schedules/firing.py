"""Deals with one time of one schedule in one transaction: its message, its row, and the time that comes next."""

from __future__ import annotations

from datetime import datetime

from gateway.db.tx import Tx
from gateway.kit.clock import Clock
from gateway.kit.ids import IdGenerator, render_id
from gateway.kit.times import render_time
from gateway.messages.requests import MessageIn
from gateway.messages.service import Messages
from gateway.principal import Principal, PrincipalKind
from gateway.schedules import store
from gateway.schedules.catching_up import Step
from gateway.schedules.models import EndReason, RunOutcome, Schedule, ScheduleRun
from gateway.schedules.news import ScheduleNews
from sessions.content import Content

#: Why a time was missed that nothing but the gateway's absence kept from coming.
MISFIRE = "misfire"
#: Why a time was missed whose message had lost its point when its turn came.
EXPIRED = "expired"


class Firing:
    """Either all of a step happens or nothing of it, so that a killed gateway repeats no message and forgets none."""

    def __init__(self, *, ids: IdGenerator, clock: Clock, messages: Messages, news: ScheduleNews) -> None:
        self._ids = ids
        self._clock = clock
        self._messages = messages
        self._news = news

    def fire(
        self, tx: Tx, schedule_id: int, step: Step, request: MessageIn, content: Content | None, media_id: int | None
    ) -> bool:
        """Queue the message of a time. False where somebody else has dealt with it; raises what forbids the message."""
        row = store.take_due(tx, schedule_id=schedule_id, due_at=step.first_due_at)
        if row is None:
            return False
        self._queue(tx, row, request, content, media_id, due_at=step.due_at, is_manual=False)
        self._advance(tx, row, step)
        return True

    def miss(self, tx: Tx, schedule_id: int, step: Step, reason: str) -> bool:
        """Say that a time, or a stretch of them, passed without a message."""
        row = store.take_due(tx, schedule_id=schedule_id, due_at=step.first_due_at)
        if row is None:
            return False
        row.missed += step.times
        run = self._run(row, due_at=step.due_at, outcome=RunOutcome.MISSED, times=step.times, reason=reason)
        tx.add(run)
        self._news.tell(
            tx,
            row,
            "schedule.missed",
            due_at=render_time(step.due_at),
            first_due_at=render_time(step.first_due_at),
            times=step.times,
            missed_because=reason,
        )
        self._advance(tx, row, step)
        return True

    def fire_now(
        self, tx: Tx, row: Schedule, request: MessageIn, content: Content | None, media_id: int | None
    ) -> ScheduleRun:
        """Queue a message that a person asked for beside the schedule's own times."""
        return self._queue(tx, row, request, content, media_id, due_at=self._clock.now(), is_manual=True)

    def _queue(
        self,
        tx: Tx,
        row: Schedule,
        request: MessageIn,
        content: Content | None,
        media_id: int | None,
        *,
        due_at: datetime,
        is_manual: bool,
    ) -> ScheduleRun:
        entry = self._messages.queue(tx, author_of(row), request, content=content, media_id=media_id)
        row.fired += 1
        run = self._run(row, due_at=due_at, outcome=RunOutcome.QUEUED, is_manual=is_manual, message_id=entry.message.id)
        tx.add(run)
        self._news.tell(
            tx,
            row,
            "schedule.fired",
            due_at=render_time(due_at),
            message_id=render_id("msg", entry.message.id),
            manual=is_manual,
        )
        return run

    def _run(self, row: Schedule, **values: object) -> ScheduleRun:
        return ScheduleRun(id=self._ids.new(), org_id=row.org_id, schedule_id=row.id, at=self._clock.now(), **values)

    def _advance(self, tx: Tx, row: Schedule, step: Step) -> None:
        row.occurred += step.times
        row.last_at, row.next_at = step.due_at, step.next_at
        tx.session.flush()
        if step.next_at is None or (row.count is not None and row.occurred >= row.count):
            self._news.end(tx, row, EndReason.FINISHED)


def author_of(row: Schedule) -> Principal:
    """Whoever made the schedule; the messages are theirs."""
    kind, subject = PrincipalKind.SYSTEM, None
    if row.api_key_id is not None:
        kind, subject = PrincipalKind.API_KEY, row.api_key_id
    elif row.user_id is not None:
        kind, subject = PrincipalKind.USER, row.user_id
    return Principal(org_id=row.org_id, kind=kind, subject_id=subject, scopes=())
