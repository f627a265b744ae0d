"""Queries on what has been sent. Every one names the organization."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, cast

from sqlalchemy import Insert, Table, bindparam, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from gateway.db.tx import Tx
from gateway.pacing.models import MarketingSend, PaceClock, PaceDay

_DAYS: Final = cast(Table, PaceDay.__table__)
_CLOCKS: Final = cast(Table, PaceClock.__table__)
_SENDS: Final = cast(Table, MarketingSend.__table__)
_COUNTS: Final = ("replies", "awaited", "plain", "marketing", "first_contacts")


def _count_up(dialect: Any) -> Insert:
    statement = dialect.insert(_DAYS)
    more = {name: _DAYS.c[name] + statement.excluded[name] for name in _COUNTS}
    counted: Insert = statement.on_conflict_do_update(index_elements=[_DAYS.c.session_id, _DAYS.c.day], set_=more)
    return counted


def _put(dialect: Any) -> Insert:
    statement = dialect.insert(_CLOCKS)
    new = {name: statement.excluded[name] for name in ("full_at", "marketing_full_at")}
    put: Insert = statement.on_conflict_do_update(index_elements=[_CLOCKS.c.session_id], set_=new)
    return put


# Said with every message that is sent, hence built once.
_COUNT: Final[Mapping[str, Insert]] = {"sqlite": _count_up(sqlite), "postgresql": _count_up(postgresql)}
_PUT: Final[Mapping[str, Insert]] = {"sqlite": _put(sqlite), "postgresql": _put(postgresql)}
_DAY: Final = select(_DAYS).where(
    _DAYS.c.org_id == bindparam("org"),
    _DAYS.c.session_id == bindparam("session"),
    _DAYS.c.day == bindparam("on"),
)
_CLOCK: Final = select(_CLOCKS).where(
    _CLOCKS.c.org_id == bindparam("org"), _CLOCKS.c.session_id == bindparam("session")
)
_NEWEST_SENDS: Final = (
    select(_SENDS.c.at)
    .where(
        _SENDS.c.org_id == bindparam("org"),
        _SENDS.c.contact_id == bindparam("contact"),
        _SENDS.c.at > bindparam("since"),
    )
    .order_by(_SENDS.c.at.desc())
    .limit(bindparam("most"))
)


def day(tx: Tx, *, org_id: int, session_id: int, on: date) -> PaceDay:
    """What was sent on a day; zeros where nothing was."""
    row = tx.execute(_DAY, {"org": org_id, "session": session_id, "on": on}).mappings().first()
    if row is None:
        return PaceDay(org_id=org_id, session_id=session_id, day=on, **dict.fromkeys(_COUNTS, 0))
    return PaceDay(**row)


def count(tx: Tx, *, org_id: int, session_id: int, on: date, more: Mapping[str, int]) -> None:
    """Add to a day's counts."""
    row = {"org_id": org_id, "session_id": session_id, "day": on, **dict.fromkeys(_COUNTS, 0), **more}
    tx.execute(_COUNT[tx.dialect], row)


def clock(tx: Tx, *, org_id: int, session_id: int) -> PaceClock:
    """How far a session's rates are used up."""
    row = tx.execute(_CLOCK, {"org": org_id, "session": session_id}).mappings().first()
    return PaceClock(org_id=org_id, session_id=session_id) if row is None else PaceClock(**row)


def put_clock(tx: Tx, clock: PaceClock) -> None:
    """Write how far they are used up now."""
    names = ("org_id", "session_id", "full_at", "marketing_full_at")
    tx.execute(_PUT[tx.dialect], {name: getattr(clock, name) for name in names})


def marketing_sends(tx: Tx, *, org_id: int, contact_id: int, since: datetime, most: int) -> Sequence[datetime]:
    """When a person was sent marketing after a moment, newest first."""
    values = {"org": org_id, "contact": contact_id, "since": since, "most": most}
    return tx.execute(_NEWEST_SENDS, values).scalars().all()


def add_marketing_send(
    tx: Tx, *, send_id: int, org_id: int, contact_id: int, at: datetime, keep_since: datetime
) -> None:
    """Note one more, and forget those that no setting can count any more."""
    old = (_SENDS.c.org_id == org_id, _SENDS.c.contact_id == contact_id, _SENDS.c.at < keep_since)
    tx.execute(delete(_SENDS).where(*old))
    tx.execute(insert(_SENDS), {"id": send_id, "org_id": org_id, "contact_id": contact_id, "at": at})


def move_to_contact(tx: Tx, *, org_id: int, from_id: int, into_id: int) -> None:
    """What one contact was sent, the other was sent."""
    where = (_SENDS.c.org_id == org_id, _SENDS.c.contact_id == from_id)
    tx.execute(update(_SENDS).where(*where).values(contact_id=into_id))
