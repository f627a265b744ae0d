"""Statements on the outbox of deliveries: written with the event, read by lanes, settled after each try."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import exists, func, insert, literal, select, update

from gateway.db.tx import Tx
from gateway.db.types import UtcDateTime
from gateway.events.models import Event
from gateway.webhooks.models import DeliveryState, Webhook, WebhookAttempt, WebhookDelivery


def active_subscriptions(tx: Tx, *, org_id: int) -> Sequence[tuple[int, list[str], list[int] | None]]:
    """Id, event globs and session filter of every active endpoint."""
    statement = select(Webhook.id, Webhook.events, Webhook.session_ids).where(
        Webhook.org_id == org_id, Webhook.active.is_(True)
    )
    return [(row.id, row.events, row.session_ids) for row in tx.execute(statement)]


def add(tx: Tx, *, rows: Sequence[Mapping[str, Any]]) -> None:
    """Put deliveries into the outbox."""
    tx.execute(insert(WebhookDelivery), list(rows))


def states_of(tx: Tx, *, webhook_id: int, event_ids: Sequence[int]) -> Mapping[int, str]:
    """The state of the delivery of each of these events, where there is one."""
    statement = select(WebhookDelivery.event_id, WebhookDelivery.state).where(
        WebhookDelivery.webhook_id == webhook_id, WebhookDelivery.event_id.in_(event_ids)
    )
    return {row.event_id: row.state for row in tx.execute(statement)}


def begin_again(tx: Tx, *, webhook_id: int, event_ids: Sequence[int], now: datetime) -> None:
    """Make the deliveries of these events due now, with the whole schedule before them."""
    tx.execute(
        update(WebhookDelivery)
        .where(WebhookDelivery.webhook_id == webhook_id, WebhookDelivery.event_id.in_(event_ids))
        .values(state=DeliveryState.PENDING, tries=0, due_at=now, finished_at=None)
    )


def webhooks_with_work(tx: Tx) -> Sequence[int]:
    """Active endpoints for which something waits, in any organization."""
    waiting = exists().where(WebhookDelivery.webhook_id == Webhook.id, WebhookDelivery.state == DeliveryState.PENDING)
    return tx.session.scalars(select(Webhook.id).where(Webhook.active.is_(True), waiting)).all()


def find_active(tx: Tx, *, webhook_id: int) -> Webhook | None:
    """The endpoint, unless it is gone or switched off."""
    found = tx.session.get(Webhook, webhook_id)
    return found if found is not None and found.active else None


def due(tx: Tx, *, webhook_id: int, now: datetime, limit: int) -> Sequence[tuple[WebhookDelivery, Event]]:
    """Deliveries that may be tried now, in the order of their events."""
    statement = (
        select(WebhookDelivery, Event)
        .join(Event, Event.id == WebhookDelivery.event_id)
        .where(
            WebhookDelivery.webhook_id == webhook_id,
            WebhookDelivery.state == DeliveryState.PENDING,
            WebhookDelivery.due_at <= now,
        )
        .order_by(WebhookDelivery.event_id)
        .limit(limit)
    )
    return [(row.WebhookDelivery, row.Event) for row in tx.execute(statement)]


def next_due_at(tx: Tx, *, webhook_id: int, now: datetime) -> datetime | None:
    """When the next delivery that must still wait may be tried."""
    statement = select(func.min(WebhookDelivery.due_at)).where(
        WebhookDelivery.webhook_id == webhook_id,
        WebhookDelivery.state == DeliveryState.PENDING,
        WebhookDelivery.due_at > now,
    )
    return tx.session.scalar(statement)


def record_attempt(tx: Tx, values: Mapping[str, Any]) -> None:
    tx.execute(insert(WebhookAttempt), [dict(values)])


def settle(tx: Tx, *, delivery_id: int, values: Mapping[str, Any]) -> bool:
    """Write where a delivery stands now; False when its webhook was deleted meanwhile."""
    result = tx.execute(update(WebhookDelivery).where(WebhookDelivery.id == delivery_id).values(**values))
    return bool(getattr(result, "rowcount", 0))


def note_success(tx: Tx, *, webhook_id: int) -> None:
    """The endpoint works; costs a write only when it did not before."""
    tx.execute(
        update(Webhook)
        .where(Webhook.id == webhook_id, Webhook.failing_since.is_not(None))
        .values(failing_since=None, failures=0, last_error=None)
    )


def note_failure(tx: Tx, *, webhook_id: int, error: str, now: datetime) -> Webhook | None:
    """The endpoint failed once more; gives it as it stands now."""
    tx.execute(
        update(Webhook)
        .where(Webhook.id == webhook_id)
        .values(
            failing_since=func.coalesce(Webhook.failing_since, literal(now, UtcDateTime())),
            failures=Webhook.failures + 1,
            last_error=error,
        )
    )
    return tx.session.get(Webhook, webhook_id, populate_existing=True)


def events_between(
    tx: Tx, *, org_id: int, after: int, since: datetime | None, types: Iterable[str], limit: int
) -> Sequence[Event]:
    """Events of the log in order, for a replay."""
    statement = select(Event).where(Event.org_id == org_id, Event.id > after, Event.type.in_(list(types)))
    if since is not None:
        statement = statement.where(Event.at >= since)
    return tx.session.scalars(statement.order_by(Event.id).limit(limit)).all()
