"""Queries on schedules and their runs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Text, bindparam, cast, delete, func, literal_column, select, update

from gateway.db.tx import Tx
from gateway.schedules.models import Schedule, ScheduleRun, ScheduleState

# Written out, not bound: the databases use a partial index only where the statement repeats its condition.
_ACTIVE: Final = Schedule.state == literal_column(f"'{ScheduleState.ACTIVE}'")


def find(tx: Tx, *, org_id: int, schedule_id: int, to_change: bool = False) -> Schedule | None:
    """A schedule of the organization; with ``to_change`` others who would change it wait their turn."""
    statement = select(Schedule).where(Schedule.id == schedule_id, Schedule.org_id == org_id)
    return tx.session.scalar(statement.with_for_update() if to_change else statement)


def page(
    tx: Tx,
    *,
    org_id: int,
    limit: int,
    before_id: int | None,
    session_ids: Collection[int] | None,
    state: ScheduleState | None,
) -> Sequence[Schedule]:
    """Schedules, newest first."""
    statement = select(Schedule).where(Schedule.org_id == org_id)
    if before_id is not None:
        statement = statement.where(Schedule.id < before_id)
    if session_ids is not None:
        statement = statement.where(Schedule.session_id.in_(session_ids))
    if state is not None:
        statement = statement.where(Schedule.state == state)
    return tx.session.scalars(statement.order_by(Schedule.id.desc()).limit(limit)).all()


def templates_with_files(tx: Tx) -> Sequence[dict[str, Any]]:
    """What schedules of all organizations will send, where it names a file that is kept here."""
    statement = select(Schedule.template).where(
        Schedule.state != ScheduleState.ENDED, cast(Schedule.template, Text).contains('"media_id"')
    )
    return tx.session.scalars(statement).all()


def runs(tx: Tx, *, org_id: int, schedule_id: int, limit: int, before_id: int | None) -> Sequence[ScheduleRun]:
    """What came of one schedule, newest first."""
    statement = select(ScheduleRun).where(ScheduleRun.org_id == org_id, ScheduleRun.schedule_id == schedule_id)
    if before_id is not None:
        statement = statement.where(ScheduleRun.id < before_id)
    return tx.session.scalars(statement.order_by(ScheduleRun.id.desc()).limit(limit)).all()


def due(tx: Tx, *, at: datetime, limit: int, but: Collection[int]) -> Sequence[Schedule]:
    """Schedules whose time has come, one of every session before the second of any: a long list makes nobody wait."""
    turn = func.row_number().over(partition_by=Schedule.session_id, order_by=(Schedule.next_at, Schedule.id))
    waiting = (
        select(Schedule.id, turn.label("turn"))
        .where(_ACTIVE, Schedule.next_at <= at, Schedule.id.not_in(but))
        .subquery()
    )
    statement = (
        select(Schedule)
        .join(waiting, waiting.c.id == Schedule.id)
        .order_by(waiting.c.turn, Schedule.next_at, Schedule.id)
        .limit(limit)
    )
    return tx.session.scalars(statement).all()


def next_time(tx: Tx, *, after: datetime) -> datetime | None:
    """When the next schedule is due that is not due yet."""
    statement = select(Schedule.next_at).where(_ACTIVE, Schedule.next_at > after)
    return tx.session.scalar(statement.order_by(Schedule.next_at).limit(1))


_LOCK_DUE: Final = (
    select(Schedule)
    .where(Schedule.id == bindparam("schedule"), _ACTIVE, Schedule.next_at == bindparam("due"))
    .with_for_update(skip_locked=True)
)


def take_due(tx: Tx, *, schedule_id: int, due_at: datetime) -> Schedule | None:
    """The schedule, if this time of it has not been dealt with yet and nobody else is about to."""
    return tx.session.scalar(_LOCK_DUE, {"schedule": schedule_id, "due": due_at})


def living_of_session(tx: Tx, *, org_id: int, session_id: int) -> Sequence[Schedule]:
    """The schedules of one session that have not ended."""
    statement = select(Schedule).where(
        Schedule.org_id == org_id, Schedule.session_id == session_id, Schedule.state != ScheduleState.ENDED
    )
    return tx.session.scalars(statement.order_by(Schedule.id).with_for_update()).all()


def readdress(tx: Tx, *, org_id: int, old: str, new: str) -> None:
    """Send to another recipient what went to this one."""
    statement = update(Schedule).where(Schedule.org_id == org_id, Schedule.recipient == old)
    tx.execute(statement.values(recipient=new))


def delete_old_runs(tx: Tx, *, before: int, limit: int) -> int:
    """Delete runs of every organization whose id is smaller; give how many went. Ids grow with time."""
    old = select(ScheduleRun.id).where(ScheduleRun.id < before).order_by(ScheduleRun.id).limit(limit)
    gone = tx.session.scalars(old).all()
    tx.execute(delete(ScheduleRun).where(ScheduleRun.id.in_(gone)))
    return len(gone)
