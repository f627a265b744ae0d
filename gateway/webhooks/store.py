"""Queries on webhooks: the endpoints, and the lists that people read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import func, select

from gateway.db.tx import Tx
from gateway.webhooks.models import DeliveryState, Webhook, WebhookAttempt, WebhookDelivery


def find(tx: Tx, *, org_id: int, webhook_id: int) -> Webhook | None:
    """A webhook of the organization."""
    found = tx.session.get(Webhook, webhook_id)
    return found if found is not None and found.org_id == org_id else None


def every(tx: Tx, *, org_id: int) -> Sequence[Webhook]:
    """All webhooks of the organization, oldest first; they are few."""
    return tx.session.scalars(select(Webhook).where(Webhook.org_id == org_id).order_by(Webhook.id)).all()


def page(tx: Tx, *, org_id: int, after: int | None, limit: int) -> Sequence[Webhook]:
    """Webhooks of the organization, oldest first, one more than ``limit``."""
    statement = select(Webhook).where(Webhook.org_id == org_id)
    if after is not None:
        statement = statement.where(Webhook.id > after)
    return tx.session.scalars(statement.order_by(Webhook.id).limit(limit + 1)).all()


def count(tx: Tx, *, org_id: int) -> int:
    return tx.session.scalar(select(func.count()).select_from(Webhook).where(Webhook.org_id == org_id)) or 0


def remove(tx: Tx, webhook: Webhook) -> None:
    """Delete it with its deliveries."""
    tx.session.delete(webhook)
    tx.session.flush()


def pending_counts(tx: Tx, *, webhook_ids: Sequence[int]) -> Mapping[int, int]:
    """How many deliveries wait, by webhook."""
    statement = (
        select(WebhookDelivery.webhook_id, func.count().label("waiting"))
        .where(WebhookDelivery.state == DeliveryState.PENDING, WebhookDelivery.webhook_id.in_(webhook_ids))
        .group_by(WebhookDelivery.webhook_id)
    )
    return {row.webhook_id: row.waiting for row in tx.execute(statement)}


def pending_events(tx: Tx, *, event_ids: Sequence[int]) -> frozenset[int]:
    """Those of these events that an endpoint, of whichever organization, has yet to be told of.

    Their deliveries stay as they are until the commit, so that none begins again after this was asked.
    """
    statement = (
        select(WebhookDelivery.event_id, WebhookDelivery.state)
        .where(WebhookDelivery.event_id.in_(event_ids))
        .with_for_update()
    )
    return frozenset(row.event_id for row in tx.execute(statement) if row.state == DeliveryState.PENDING)


def find_delivery(tx: Tx, *, webhook: Webhook, delivery_id: int) -> WebhookDelivery | None:
    found = tx.session.get(WebhookDelivery, delivery_id)
    return found if found is not None and found.webhook_id == webhook.id else None


def find_delivery_of(tx: Tx, *, webhook: Webhook, event_id: int) -> WebhookDelivery | None:
    """The delivery of one event to this webhook."""
    statement = select(WebhookDelivery).where(
        WebhookDelivery.org_id == webhook.org_id,
        WebhookDelivery.webhook_id == webhook.id,
        WebhookDelivery.event_id == event_id,
    )
    return tx.session.scalar(statement)


def page_of_deliveries(
    tx: Tx, *, webhook: Webhook, after: int | None, limit: int, state: DeliveryState | None
) -> Sequence[WebhookDelivery]:
    """Deliveries of a webhook, newest first, one more than ``limit``."""
    statement = select(WebhookDelivery).where(
        WebhookDelivery.org_id == webhook.org_id, WebhookDelivery.webhook_id == webhook.id
    )
    if after is not None:
        statement = statement.where(WebhookDelivery.id < after)
    if state is not None:
        statement = statement.where(WebhookDelivery.state == state)
    return tx.session.scalars(statement.order_by(WebhookDelivery.id.desc()).limit(limit + 1)).all()


def attempts_of(tx: Tx, *, org_id: int, delivery_ids: Sequence[int]) -> Mapping[int, list[WebhookAttempt]]:
    """The attempts at these deliveries, in order."""
    found: dict[int, list[WebhookAttempt]] = {delivery_id: [] for delivery_id in delivery_ids}
    statement = (
        select(WebhookAttempt)
        .where(WebhookAttempt.org_id == org_id, WebhookAttempt.delivery_id.in_(delivery_ids))
        .order_by(WebhookAttempt.number)
    )
    for attempt in tx.session.scalars(statement):
        found[attempt.delivery_id].append(attempt)
    return found
