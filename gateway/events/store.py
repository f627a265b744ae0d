"""Statements on the event log."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple, cast

from sqlalchemy import Table, delete, func, insert, select, text

from gateway.db.tx import Tx
from gateway.events.interest import Interest
from gateway.events.models import Event, LogStart

#: Any number that no other lock of ours uses.
_APPEND_LOCK: Final = 0x57A6A7E0E7E27
_LOCK: Final = text(f"SELECT pg_advisory_xact_lock({_APPEND_LOCK})")

# Every change of the gateway appends, hence Core statements that are built once.
_TABLE: Final = cast(Table, Event.__table__)
_APPEND_ONE: Final = insert(_TABLE).returning(_TABLE.c.id)
_APPEND_MANY: Final = insert(_TABLE).returning(_TABLE.c.id, sort_by_parameter_order=True)


def append(tx: Tx, events: Sequence[Event]) -> None:
    """Write events at the end of the log and give them their positions.

    On PostgreSQL transactions that append queue up from here to their commit: otherwise a lower position could become
    visible after a higher one, and readers that go by position would miss it. SQLite has one writer anyway.
    """
    if tx.dialect == "postgresql":
        tx.session.flush()  # whatever else must wait for others waits now, not while it holds everybody up
        tx.execute(_LOCK)
    if len(events) == 1:
        positions = tx.execute(_APPEND_ONE, _values(events[0])).scalars().all()
    else:
        positions = tx.execute(_APPEND_MANY, [_values(event) for event in events]).scalars().all()
    for event, position in zip(events, positions, strict=True):
        event.id = position


def jump_ahead(tx: Tx, *, by: int) -> None:
    """Have the next position be further on by so much. A log that never gave one needs no jump."""
    if tx.dialect == "sqlite":
        tx.execute(text("UPDATE sqlite_sequence SET seq = seq + :by WHERE name = 'events'"), {"by": by})
    else:
        sequence = "pg_get_serial_sequence('events', 'id')"
        tx.execute(text(f"SELECT setval({sequence}, nextval({sequence}) + :by)"), {"by": by})


def page(
    tx: Tx,
    *,
    org_id: int,
    after: int,
    limit: int,
    types: Collection[str] | None = None,
    session_ids: Collection[int] | None = None,
) -> Sequence[Event]:
    """Events of an organization after a position, in order."""
    statement = select(Event).where(Event.org_id == org_id, Event.id > after)
    if types is not None:
        statement = statement.where(Event.type.in_(types))
    if session_ids is not None:
        statement = statement.where(Event.session_id.in_(session_ids))
    return tx.session.scalars(statement.order_by(Event.id).limit(limit)).all()


def page_for(tx: Tx, interest: Interest, *, after: int, limit: int) -> Sequence[Event]:
    """Events after a position that an interest covers, in order."""
    return page(
        tx, org_id=interest.org_id, after=after, limit=limit, types=interest.types, session_ids=interest.session_ids
    )


def recent_of_session(tx: Tx, *, org_id: int, session_id: int, limit: int) -> Sequence[Event]:
    """The newest events of one session, newest first."""
    statement = select(Event).where(Event.org_id == org_id, Event.session_id == session_id)
    return tx.session.scalars(statement.order_by(Event.id.desc()).limit(limit)).all()


def everything_after(tx: Tx, *, after: int, limit: int) -> Sequence[Event]:
    """Events of all organizations after a position, for the hub, which sorts them out itself."""
    return tx.session.scalars(select(Event).where(Event.id > after).order_by(Event.id).limit(limit)).all()


def last_position(tx: Tx) -> int:
    """The position of the newest event, there or deleted; 0 when there never was any."""
    newest = tx.session.scalar(select(func.max(Event.id))) or 0
    return max(newest, tx.session.scalar(select(func.max(LogStart.position))) or 0)


class OldEvent(NamedTuple):
    """As much of an event as deleting it takes."""

    id: int
    org_id: int
    at: datetime


def oldest(tx: Tx, *, after: int, limit: int) -> Sequence[OldEvent]:
    """The first events after a position, of all organizations; nobody can refer to them anew until the commit."""
    statement = select(Event.id, Event.org_id, Event.at).where(Event.id > after).order_by(Event.id).limit(limit)
    return [OldEvent(row.id, row.org_id, row.at) for row in tx.execute(statement.with_for_update())]


def drop(tx: Tx, event_ids: Sequence[int]) -> None:
    """Delete events, and with them what hangs on them."""
    tx.execute(delete(Event).where(Event.id.in_(event_ids)))


def start_of_log(tx: Tx, *, org_id: int) -> int:
    """The position after which an organization's log is complete; 0 when nothing was ever deleted."""
    return tx.session.scalar(select(LogStart.position).where(LogStart.org_id == org_id)) or 0


def move_start_of_log(tx: Tx, *, org_id: int, position: int) -> None:
    """Note that events up to a position are gone. It never moves back."""
    start = tx.session.get(LogStart, org_id, with_for_update=True)
    if start is None:
        tx.add(LogStart(org_id=org_id, position=position))
    else:
        start.position = max(start.position, position)


def _values(event: Event) -> dict[str, Any]:
    return {
        "org_id": event.org_id,
        "session_id": event.session_id,
        "chat_id": event.chat_id,
        "type": event.type,
        "subject_type": event.subject_type,
        "subject_id": event.subject_id,
        "data": event.data,
        "metadata": event.labels,
        "at": event.at,
    }
