"""Queries that move the queue. A lane asks by its session alone, which belongs to one organization."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Select,
    and_,
    bindparam,
    func,
    literal_column,
    select,
    union_all,
    update,
)
from sqlalchemy.orm import aliased

from gateway.db.tx import Tx
from gateway.fleet.models import Session
from gateway.messages.models import Hold, MediaState, Message, Queue
from gateway.messages.states import MessageState
from gateway.messages.store import Entry, entries, select_entries
from gateway.pacing.classes import PaceClass

# Written out, not bound: the databases use a partial index only where the statement repeats its condition.
_QUEUED: Final[ColumnElement[str]] = literal_column(f"'{MessageState.QUEUED}'")
_EXPIRING = Message.state.in_([_QUEUED, literal_column(f"'{MessageState.SCHEDULED}'")])
_IN_FLIGHT = Message.state.in_(
    [literal_column(f"'{MessageState.SENDING}'"), literal_column(f"'{MessageState.UNCERTAIN}'")]
)
_MEDIA_PENDING = Message.media_state == literal_column(f"'{MediaState.PENDING}'")
_HELD = Message.hold.is_not(None)


def _may_go(message: type[Message]) -> ColumnElement[bool]:
    return and_(message.state == _QUEUED, message.hold.is_(None))


_CLASSES: Final[list[BindParameter[Any]]] = [bindparam(f"class_{pace_class:d}") for pace_class in PaceClass]
_NO_CLASS: Final = -1

# Asked for every message, hence built once.
_SESSION: Final = (
    select(Session, Queue).outerjoin(Queue, Queue.session_id == Session.id).where(Session.id == bindparam("session"))
)
_RETRYING: Final = select(Message.chat_id).where(
    Message.hold == literal_column(f"'{Hold.RETRY}'"), Message.session_id == bindparam("session")
)


def _most_urgent_of(pace_class: PaceClass) -> Select[Any]:
    urgent = aliased(Message)
    where = (
        _may_go(urgent),
        urgent.session_id == bindparam("session"),
        urgent.pace_class == bindparam(f"class_{pace_class:d}"),
        urgent.chat_id.not_in(_RETRYING),
    )
    columns: tuple[Any, ...] = (
        urgent.chat_id,
        urgent.priority,
        literal_column(str(pace_class.rank)).label("rank"),
        urgent.id,
    )
    first = select(*columns).where(*where).order_by(urgent.priority, urgent.id).limit(1).subquery()
    return select(first)


# One step into the index for each class: however many messages of a closed class wait, nobody reads them.
_urgent = union_all(*(_most_urgent_of(pace_class) for pace_class in PaceClass)).subquery()
_CHAT: Final = (
    select(_urgent.c.chat_id).order_by(_urgent.c.priority, _urgent.c.rank, _urgent.c.id).limit(1).scalar_subquery()
)
_oldest = aliased(Message)
_OLDEST: Final = select(func.min(_oldest.id)).where(
    _may_go(_oldest), _oldest.chat_id == _CHAT, _oldest.pace_class.in_(_CLASSES)
)
_NEXT_QUEUED: Final = (
    select_entries()
    .where(Message.id == _OLDEST.scalar_subquery())
    .where(Message.state == _QUEUED)
    .with_for_update(of=Message)
)
_HOLD_IN_FLIGHT: Final = (
    select(Message.id)
    .where(_IN_FLIGHT, Message.session_id == bindparam("session"), Message.wa_id.is_(None))
    .with_for_update()
)


def session_of_lane(tx: Tx, *, session_id: int) -> tuple[Session, Queue | None] | None:
    """The session as it stands now, with what its queue was told."""
    found: Any = tx.execute(_SESSION, {"session": session_id}).first()
    return None if found is None else (found[0], found[1])


def next_queued(tx: Tx, *, session_id: int, closed: Collection[PaceClass] = ()) -> Entry | None:
    """The message whose turn it is: of the chat that has the most urgent one, the oldest, so that a chat keeps order.

    A chat that waits for another try waits as a whole. Messages of the closed classes are passed over.
    """
    classes = {f"class_{one:d}": _NO_CLASS if one in closed else one.value for one in PaceClass}
    # On PostgreSQL the chosen row may have been cancelled while we waited for whoever was doing that.
    for _ in range(2 if tx.dialect == "postgresql" else 1):
        found = entries(tx, _NEXT_QUEUED, {"session": session_id, **classes})
        if found:
            return found[0]
    return None


def next_time(tx: Tx, *, after: datetime) -> datetime | None:
    """When the next hold of any session ends."""
    statement = select(Message.next_at).where(_HELD, Message.next_at > after)
    return tx.execute(statement.order_by(Message.next_at).limit(1)).scalar_one_or_none()


def sessions_with_queue(tx: Tx) -> list[int]:
    """Sessions that have something to send now."""
    return list(tx.execute(select(Message.session_id).where(_may_go(Message)).distinct()).scalars())


def has_to_sweep(tx: Tx, *, at: datetime) -> bool:
    """Whether anything falls due or expires now: most of the time nothing does, and nothing needs to be written."""
    expired = select(Message.id).where(_EXPIRING, Message.expires_at <= at).limit(1)
    due = select(Message.id).where(_HELD, Message.next_at <= at).limit(1)
    return any(tx.execute(statement).first() is not None for statement in (expired, due))


def list_due(tx: Tx, *, at: datetime, limit: int) -> list[Entry]:
    """Messages whose hold has ended: scheduled ones whose time has come, and queued ones that may be tried again."""
    statement = select_entries().where(_HELD, Message.next_at <= at).order_by(Message.next_at).limit(limit)
    return entries(tx, statement.with_for_update(of=Message))


def list_expired(tx: Tx, *, at: datetime, limit: int) -> list[Entry]:
    """Waiting messages that have lost their point."""
    statement = select_entries().where(_EXPIRING, Message.expires_at <= at).limit(limit)
    return entries(tx, statement.with_for_update(of=Message))


def list_in_flight(tx: Tx) -> list[Entry]:
    """What was handed to the engine and not settled: one message per session at most, and what nobody could settle."""
    statement = select_entries().where(_IN_FLIGHT, Message.wa_id.is_(None))
    return entries(tx, statement.order_by(Message.session_id))


def hold_in_flight(tx: Tx, *, session_id: int) -> bool:
    """Whether a message of this session may not know its WhatsApp id yet.

    Such messages are held: on PostgreSQL whoever is writing that id down waits for us, or we for them.
    """
    return tx.execute(_HOLD_IN_FLIGHT, {"session": session_id}).first() is not None


def claim_downloads(
    tx: Tx, *, at: datetime, lease: timedelta, limit: int, session_ids: Collection[int]
) -> Sequence[Entry]:
    """Incoming files to fetch now, on these sessions; taking them puts them off by the lease."""
    statement = (
        select_entries()
        .where(_MEDIA_PENDING, Message.media_next_at <= at, Message.session_id.in_(session_ids))
        .order_by(Message.media_next_at)
        .limit(limit)
        .with_for_update(of=Message, skip_locked=True)
    )
    found = entries(tx, statement)
    if found:
        taken = [entry.message.id for entry in found]
        tx.execute(update(Message).where(Message.id.in_(taken)).values(media_next_at=at + lease))
    return found


def sessions_with_downloads(tx: Tx, *, at: datetime) -> list[int]:
    """Sessions that have files to fetch now."""
    where = (_MEDIA_PENDING, Message.media_next_at <= at)
    return list(tx.execute(select(Message.session_id).where(*where).distinct()).scalars())


def next_download_time(tx: Tx, *, after: datetime) -> datetime | None:
    """When the next file is to be fetched."""
    statement = select(Message.media_next_at).where(_MEDIA_PENDING, Message.media_next_at > after)
    return tx.execute(statement.order_by(Message.media_next_at).limit(1)).scalar_one_or_none()
