"""Queries that move the queue. A lane asks by its session alone, which belongs to one organization."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import bindparam, literal_column, or_, select, update

from gateway.db.tx import Tx
from gateway.fleet.models import Session
from gateway.messages.models import MediaState, Message
from gateway.messages.states import MessageState
from gateway.messages.store import Entry, entries, select_entries

# Written out, not bound: the databases use a partial index only where the statement repeats its condition.
_QUEUED = Message.state == literal_column(f"'{MessageState.QUEUED}'")
_SCHEDULED = Message.state == literal_column(f"'{MessageState.SCHEDULED}'")
_IN_FLIGHT = Message.state.in_(
    [literal_column(f"'{MessageState.SENDING}'"), literal_column(f"'{MessageState.UNCERTAIN}'")]
)
_WAITING = Message.state.in_(
    [literal_column(f"'{MessageState.QUEUED}'"), literal_column(f"'{MessageState.SCHEDULED}'")]
)
_MEDIA_PENDING = Message.media_state == literal_column(f"'{MediaState.PENDING}'")

# Asked for every message, hence built once.
_SESSION: Final = select(Session).where(Session.id == bindparam("session"))
_RESTING: Final = select(Message.chat_id).where(
    _QUEUED, Message.session_id == bindparam("session"), Message.next_at > bindparam("now")
)
_NEXT_QUEUED: Final = (
    select_entries()
    .where(_QUEUED, Message.session_id == bindparam("session"), Message.chat_id.not_in(_RESTING))
    .order_by(Message.priority, Message.id)
    .limit(1)
    .with_for_update(of=Message, skip_locked=True)
)
_HOLD_IN_FLIGHT: Final = (
    select(Message.id)
    .where(_IN_FLIGHT, Message.session_id == bindparam("session"), Message.wa_id.is_(None))
    .with_for_update()
)


def session_of_lane(tx: Tx, *, session_id: int) -> Session | None:
    """The session as it stands now."""
    return tx.session.scalar(_SESSION, {"session": session_id})


def next_queued(tx: Tx, *, session_id: int, at: datetime) -> Entry | None:
    """The message whose turn it is. A chat whose oldest one waits for another try waits as a whole, to keep order."""
    found = entries(tx, _NEXT_QUEUED, {"session": session_id, "now": at})
    return found[0] if found else None


def next_time(tx: Tx, *, after: datetime) -> datetime | None:
    """When the next waiting message of any session is due."""
    statement = select(Message.next_at).where(_WAITING, Message.next_at > after)
    return tx.execute(statement.order_by(Message.next_at).limit(1)).scalar_one_or_none()


def sessions_with_queue(tx: Tx, *, at: datetime) -> list[int]:
    """Sessions that have something to send now."""
    due = or_(Message.next_at.is_(None), Message.next_at <= at)
    return list(tx.execute(select(Message.session_id).where(_QUEUED, due).distinct()).scalars())


def has_to_sweep(tx: Tx, *, at: datetime) -> bool:
    """Whether anything falls due or expires now: most of the time nothing does, and nothing needs to be written."""
    expired = select(Message.id).where(_WAITING, Message.expires_at <= at).limit(1)
    due = select(Message.id).where(_WAITING, _SCHEDULED, Message.next_at <= at).limit(1)
    return any(tx.execute(statement).first() is not None for statement in (expired, due))


def list_due(tx: Tx, *, at: datetime, limit: int) -> list[Entry]:
    """Scheduled messages whose time has come."""
    statement = (
        select_entries().where(_WAITING, _SCHEDULED, Message.next_at <= at).order_by(Message.next_at).limit(limit)
    )
    return entries(tx, statement)


def list_expired(tx: Tx, *, at: datetime, limit: int) -> list[Entry]:
    """Waiting messages that have lost their point."""
    return entries(tx, select_entries().where(_WAITING, Message.expires_at <= at).limit(limit))


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
