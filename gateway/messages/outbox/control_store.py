"""Queries that look at a session's queue as a whole, for who controls it and who watches it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, case, func, literal_column, or_, select, type_coerce

from gateway.db.tx import Tx
from gateway.db.types import UtcDateTime
from gateway.fleet.models import Session
from gateway.messages.models import Direction, Hold, Message, Queue
from gateway.messages.progress import AWAITS_RECEIPT
from gateway.messages.states import MessageState
from gateway.messages.store import Entry, entries, select_entries

# Written out, as in queue_store: only so a partial index is used.
_QUEUED = Message.state == literal_column(f"'{MessageState.QUEUED}'")
_MAY_GO = and_(_QUEUED, Message.hold.is_(None))
_HELD = Message.hold.is_not(None)
_SENDING = and_(
    Message.state.in_([literal_column(f"'{MessageState.SENDING}'"), literal_column(f"'{MessageState.UNCERTAIN}'")]),
    Message.wa_id.is_(None),
    Message.state == MessageState.SENDING,
)
_UNCERTAIN = Message.state == literal_column(f"'{MessageState.UNCERTAIN}'")
_RETRYING = Message.hold == literal_column(f"'{Hold.RETRY}'")
_SINCE = func.coalesce(Message.next_at, Message.created_at)


@dataclass(frozen=True, kw_only=True)
class Depths:
    """How many messages of a session stand where, and since when the oldest may go."""

    ready: int
    held: int
    scheduled: int
    sending: int
    uncertain: int
    oldest_at: datetime | None
    next_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Backlog:
    """What waits on one session without a time to wait for, by the class that the gate may have closed."""

    session_id: int
    pace_class: int | None
    count: int
    oldest_at: datetime


def queue_of(tx: Tx, *, session_id: int) -> Queue | None:
    """What a session's queue was told."""
    return tx.session.get(Queue, session_id)


def queues_of(tx: Tx, *, session_ids: Collection[int]) -> Mapping[int, tuple[Session, Queue | None]]:
    """Sessions with what their queues were told."""
    statement = select(Session, Queue).outerjoin(Queue, Queue.session_id == Session.id)
    rows: Any = tx.execute(statement.where(Session.id.in_(session_ids)))
    return {session.id: (session, queue) for session, queue in rows}


def depths(tx: Tx, *, session_id: int) -> Depths:
    """Count one session's queue, from small indexes."""
    mine = Message.session_id == session_id
    ready, oldest = _one(tx, select(func.count(), func.min(type_coerce(_SINCE, UtcDateTime))).where(_MAY_GO, mine))
    scheduled, held, following = _one(
        tx,
        select(
            _count_if(Message.state == MessageState.SCHEDULED),
            _count_if(Message.state == MessageState.QUEUED),
            func.min(Message.next_at),
        ).where(_HELD, mine),
    )
    (sending,) = _one(tx, select(func.count()).where(_SENDING, mine))
    (uncertain,) = _one(tx, select(func.count()).where(_UNCERTAIN, mine))
    return Depths(
        ready=ready,
        held=held,
        scheduled=scheduled,
        sending=sending,
        uncertain=uncertain,
        oldest_at=oldest,
        next_at=following,
    )


def backlogs(tx: Tx) -> list[Backlog]:
    """Every session with messages that may go, or that wait for another try; the gate's wait is not counted."""
    since = type_coerce(func.min(_SINCE), UtcDateTime)
    by_class = (Message.session_id, Message.pace_class)
    ready = select(*by_class, func.count(), since).where(_MAY_GO).group_by(*by_class)
    retrying = select(*by_class, func.count(), func.min(Message.created_at)).where(_RETRYING).group_by(*by_class)
    rows: list[Any] = [row for statement in (ready, retrying) for row in tx.execute(statement)]
    return [
        Backlog(session_id=session_id, pace_class=pace_class, count=count, oldest_at=oldest_at)
        for session_id, pace_class, count, oldest_at in rows
    ]


def stalled_sessions(tx: Tx) -> dict[int, datetime]:
    """Sessions of which everybody was told that their queue does not move, and when."""
    rows: Any = tx.execute(select(Queue.session_id, Queue.stalled_at).where(Queue.stalled_at.is_not(None)))
    return {session_id: stalled_at for session_id, stalled_at in rows}


def position(tx: Tx, *, message: Message) -> int:
    """How many messages go before this one, were nothing added; about, since a chat moves as one."""
    before = or_(
        Message.priority < message.priority,
        and_(Message.priority == message.priority, Message.id < message.id),
    )
    return int(_one(tx, select(func.count()).where(_MAY_GO, Message.session_id == message.session_id, before))[0])


def retrying_chats(tx: Tx, *, session_ids: Collection[int]) -> frozenset[int]:
    """Chats of these sessions that wait as a whole for another try of their oldest message."""
    statement = select(Message.chat_id).where(_RETRYING, Message.session_id.in_(session_ids)).distinct()
    return frozenset(tx.execute(statement).scalars())


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Which messages of a session's queue somebody means; None leaves a thing open."""

    states: Collection[str]
    session_ids: Collection[int] | None
    chat_id: int | None = None
    contact_id: int | None = None
    purpose: str | None = None
    priority: int | None = None
    client_ref: str | None = None
    error_code: str | None = None
    created_before: datetime | None = None
    created_after: datetime | None = None


def choose(tx: Tx, *, org_id: int, choice: Choice, after_id: int, limit: int) -> Sequence[Entry]:
    """The chosen messages after an id, oldest first, for somebody who changes them."""
    equal = {
        Message.chat_id: choice.chat_id,
        Message.contact_id: choice.contact_id,
        Message.purpose: choice.purpose,
        Message.priority: choice.priority,
        Message.client_ref: choice.client_ref,
        Message.error_code: choice.error_code,
    }
    conditions = [column == value for column, value in equal.items() if value is not None]
    if choice.session_ids is not None:
        conditions.append(Message.session_id.in_(choice.session_ids))
    if choice.created_before is not None:
        conditions.append(Message.created_at < choice.created_before)
    if choice.created_after is not None:
        conditions.append(Message.created_at >= choice.created_after)
    statement = (
        select_entries()
        .where(Message.org_id == org_id, Message.id > after_id, Message.direction == Direction.OUT)
        .where(Message.state.in_(choice.states), *conditions)
        .order_by(Message.id)
        .limit(limit)
        .with_for_update(of=Message)
    )
    return entries(tx, statement)


def list_doubts(tx: Tx, *, session_id: int, before: datetime, limit: int) -> list[Entry]:
    """Messages of a session that have been uncertain since before a moment, but not those that are left to a person."""
    statement = (
        select_entries()
        .where(_UNCERTAIN, Message.session_id == session_id, Message.uncertain_at <= before)
        .where(Message.reason == AWAITS_RECEIPT)
        .order_by(Message.uncertain_at)
        .limit(limit)
    )
    return entries(tx, statement)


def list_overdue(tx: Tx, *, at: datetime) -> list[Entry]:
    """Messages whose claim has run out without anybody having said what came of them."""
    return entries(tx, select_entries().where(_SENDING, Message.claimed_until <= at))


def _count_if(condition: Any) -> Any:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)


def _one(tx: Tx, statement: Any) -> Any:
    return tx.execute(statement).one()
