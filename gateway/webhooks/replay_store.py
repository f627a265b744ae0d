"""Statements for telling an endpoint again: what failed, and what of the log it never heard."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Select, literal_column, select, update

from gateway.db.tx import Tx
from gateway.events.models import Event
from gateway.webhooks.models import Webhook, WebhookDelivery
from gateway.webhooks.states import DeliveryState
from gateway.webhooks.subscriptions import TEST_EVENT


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


def dead_after(
    tx: Tx, *, webhook: Webhook, after: int, since: datetime | None, until: datetime | None, limit: int
) -> Sequence[Event]:
    """Events of the endpoint's dead deliveries, in order."""
    statement = (
        select(Event)
        .join(WebhookDelivery, WebhookDelivery.event_id == Event.id)
        .where(
            WebhookDelivery.org_id == webhook.org_id,
            WebhookDelivery.webhook_id == webhook.id,
            WebhookDelivery.state == literal_column(f"'{DeliveryState.DEAD.value}'"),
            WebhookDelivery.event_id > after,
            WebhookDelivery.event_type != TEST_EVENT,
        )
        .order_by(WebhookDelivery.event_id)
    )
    return tx.session.scalars(_within(statement, since, until).limit(limit)).all()


def events_after(
    tx: Tx,
    *,
    org_id: int,
    after: int,
    since: datetime | None,
    until: datetime | None,
    types: Iterable[str],
    limit: int,
) -> Sequence[Event]:
    """Events of the log, in order."""
    statement = select(Event).where(Event.org_id == org_id, Event.id > after, Event.type.in_(list(types)))
    return tx.session.scalars(_within(statement, since, until).order_by(Event.id).limit(limit)).all()


def _within(statement: Select[Event], since: datetime | None, until: datetime | None) -> Select[Event]:
    if since is not None:
        statement = statement.where(Event.at >= since)
    if until is not None:
        statement = statement.where(Event.at < until)
    return statement
