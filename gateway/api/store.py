"""Statements on remembered answers. They stand on the hot path of sending, hence Core and nothing built per call."""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple, cast

from sqlalchemy import Table, bindparam, delete, insert, select
from sqlalchemy.exc import IntegrityError

from gateway.api.models import RememberedAnswer
from gateway.db.tx import Tx

_TABLE: Final = cast(Table, RememberedAnswer.__table__)
_FIND: Final = select(_TABLE.c.fingerprint, _TABLE.c.status, _TABLE.c.body, _TABLE.c.expires_at).where(
    _TABLE.c.org_id == bindparam("org"), _TABLE.c.slot == bindparam("wanted")
)
_STORE: Final = insert(_TABLE)
_EMPTY: Final = delete(RememberedAnswer).where(
    RememberedAnswer.org_id == bindparam("org"),
    RememberedAnswer.slot == bindparam("wanted"),
    RememberedAnswer.expires_at <= bindparam("now"),
)


class StoredAnswer(NamedTuple):
    """The answer in a slot, in force or not."""

    fingerprint: bytes
    status: int
    body: bytes
    expires_at: datetime


class NewAnswer(NamedTuple):
    """An answer to put into a slot."""

    org_id: int
    slot: bytes
    operation: str
    fingerprint: bytes
    status: int
    body: bytes
    created_at: datetime
    expires_at: datetime


class SlotTakenError(Exception):
    """Another call has stored its answer in this slot meanwhile."""


def find_answer(tx: Tx, *, org_id: int, slot: bytes) -> StoredAnswer | None:
    """The answer in a slot."""
    row = tx.execute(_FIND, {"org": org_id, "wanted": slot}).one_or_none()
    return None if row is None else StoredAnswer(row.fingerprint, row.status, row.body, row.expires_at)


def store_answer(tx: Tx, answer: NewAnswer) -> None:
    """Fill an empty slot; raises SlotTakenError."""
    try:
        tx.execute(_STORE, answer._asdict())
    except IntegrityError as error:
        raise SlotTakenError from error


def empty_slot(tx: Tx, *, org_id: int, slot: bytes, now: datetime) -> None:
    """Forget the answer in a slot, if it is out of force."""
    tx.execute(_EMPTY, {"org": org_id, "wanted": slot, "now": now})


def drop_old_answers(tx: Tx, *, now: datetime, limit: int) -> int:
    """Delete answers out of force, of all organizations; give how many went."""
    old = select(RememberedAnswer.slot).where(RememberedAnswer.expires_at <= now).limit(limit)
    result = tx.execute(delete(RememberedAnswer).where(RememberedAnswer.slot.in_(old)))
    return int(getattr(result, "rowcount", 0))
