"""Statements on remembered answers."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError

from gateway.api.models import RememberedAnswer
from gateway.db.tx import Tx


class SlotTakenError(Exception):
    """Another call has stored its answer in this slot meanwhile."""


def find_answer(tx: Tx, *, org_id: int, slot: bytes) -> RememberedAnswer | None:
    """The answer in a slot, in force or not."""
    statement = select(RememberedAnswer).where(RememberedAnswer.org_id == org_id, RememberedAnswer.slot == slot)
    return tx.session.scalar(statement)


def store_answer(tx: Tx, row: RememberedAnswer, *, now: datetime) -> None:
    """Fill a slot, in place of an answer that is out of force; raises SlotTakenError."""
    tx.execute(
        delete(RememberedAnswer).where(
            RememberedAnswer.org_id == row.org_id,
            RememberedAnswer.slot == row.slot,
            RememberedAnswer.expires_at <= now,
        )
    )
    values = {column.key: getattr(row, column.key) for column in RememberedAnswer.__table__.columns}
    try:
        tx.execute(insert(RememberedAnswer).values(**values))
    except IntegrityError as error:
        raise SlotTakenError from error


def drop_old_answers(tx: Tx, *, now: datetime, limit: int) -> int:
    """Delete answers out of force, of all organizations; give how many went."""
    old = select(RememberedAnswer.slot).where(RememberedAnswer.expires_at <= now).limit(limit)
    result = tx.execute(delete(RememberedAnswer).where(RememberedAnswer.slot.in_(old)))
    return int(getattr(result, "rowcount", 0))
