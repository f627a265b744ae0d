"""Statements on named consumers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import func, select

from gateway.db.tx import Tx
from gateway.events.interest import Interest
from gateway.events.models import Event, EventConsumer


def find(tx: Tx, *, org_id: int, name: str, locked: bool = False) -> EventConsumer | None:
    """A consumer of the organization; ``locked`` keeps others from changing it until the commit."""
    statement = select(EventConsumer).where(EventConsumer.org_id == org_id, EventConsumer.name == name)
    return tx.session.scalar(statement.with_for_update() if locked else statement)


def page(tx: Tx, *, org_id: int, after: int | None, limit: int) -> Sequence[EventConsumer]:
    """Consumers of the organization, oldest first."""
    statement = select(EventConsumer).where(EventConsumer.org_id == org_id)
    if after is not None:
        statement = statement.where(EventConsumer.id > after)
    return tx.session.scalars(statement.order_by(EventConsumer.id).limit(limit)).all()


def count(tx: Tx, *, org_id: int) -> int:
    """How many the organization has."""
    statement = select(func.count()).select_from(EventConsumer).where(EventConsumer.org_id == org_id)
    return tx.session.scalar(statement) or 0


def everyone(tx: Tx) -> Sequence[EventConsumer]:
    """All consumers of all organizations, for the metrics."""
    return tx.session.scalars(select(EventConsumer).order_by(EventConsumer.id)).all()


def floors(tx: Tx) -> Mapping[int, int]:
    """How far the slowest consumer of each organization has come."""
    slowest = func.min(EventConsumer.position).label("slowest")
    statement = select(EventConsumer.org_id, slowest).group_by(EventConsumer.org_id)
    return {row.org_id: row.slowest for row in tx.execute(statement)}


def remove(tx: Tx, consumer: EventConsumer) -> None:
    """Delete it; nothing hangs on it."""
    tx.session.delete(consumer)
    tx.session.flush()


def count_after(tx: Tx, interest: Interest, *, after: int, at_most: int) -> int:
    """How many events an interest covers after a position, counted up to a limit."""
    statement = select(Event.id).where(Event.org_id == interest.org_id, Event.id > after)
    if interest.types is not None:
        statement = statement.where(Event.type.in_(interest.types))
    if interest.session_ids is not None:
        statement = statement.where(Event.session_id.in_(interest.session_ids))
    counted = statement.order_by(Event.id).limit(at_most).subquery()
    return tx.session.scalar(select(func.count()).select_from(counted)) or 0
