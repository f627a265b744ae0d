"""Queries on webhooks: the endpoints, and the lists that people read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import func, literal_column, select, update

from gateway.db.tx import Tx
from gateway.webhooks.models import Webhook, WebhookAttempt, WebhookDelivery
from gateway.webhooks.states import DeliveryState


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


def hurry(tx: Tx, *, webhook_id: int, now: datetime) -> None:
    """Have everything that waits for an endpoint tried now, with the whole schedule before it."""
    tx.execute(
        update(WebhookDelivery)
        .where(WebhookDelivery.webhook_id == webhook_id)
        .where(WebhookDelivery.state == literal_column(f"'{DeliveryState.PENDING.value}'"))
        .values(due_at=now, tries=0)
    )


def counts(tx: Tx, *, webhook_ids: Sequence[int]) -> Mapping[int, Mapping[str, int]]:
    """How many deliveries wait and how many are dead, by webhook."""
    found: dict[int, dict[str, int]] = {webhook_id: {} for webhook_id in webhook_ids}
    for state in (DeliveryState.PENDING, DeliveryState.DEAD):
        statement = (
            select(WebhookDelivery.webhook_id, func.count().label("number"))
            .where(WebhookDelivery.state == literal_column(f"'{state.value}'"))
            .where(WebhookDelivery.webhook_id.in_(webhook_ids))
            .group_by(WebhookDelivery.webhook_id)
        )
        for row in tx.execute(statement):
            found[row.webhook_id][state] = row.number
    return found


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


_IN_ORDER: Final = (WebhookDelivery.org_id, WebhookDelivery.id)


@dataclass(frozen=True, kw_only=True)
class DeliveryFilter:
    """Which deliveries to list: those of some endpoints, and narrower. None means no filter."""

    webhook_ids: Sequence[int]
    state: DeliveryState | None = None
    event_id: int | None = None
    event_type: str | None = None


def page_of_deliveries(
    tx: Tx, *, org_id: int, wanted: DeliveryFilter, after: int | None, limit: int
) -> Sequence[WebhookDelivery]:
    """Deliveries of the organization, newest first, one more than ``limit``."""
    # Those that wait or are dead have small indexes by endpoint. Sums, which no index knows, keep the database from going
    # through the long history in order instead to find them.
    is_few = wanted.state in (DeliveryState.PENDING, DeliveryState.DEAD)
    org, order = (WebhookDelivery.org_id + 0, WebhookDelivery.id + 0) if is_few else _IN_ORDER
    statement = select(WebhookDelivery).where(org == org_id, WebhookDelivery.webhook_id.in_(wanted.webhook_ids))
    if wanted.state is not None:
        statement = statement.where(WebhookDelivery.state == literal_column(f"'{wanted.state.value}'"))
    if wanted.event_id is not None:
        statement = statement.where(WebhookDelivery.event_id == wanted.event_id)
    if wanted.event_type is not None:
        statement = statement.where(WebhookDelivery.event_type == wanted.event_type)
    if after is not None:
        statement = statement.where(WebhookDelivery.id < after)
    return tx.session.scalars(statement.order_by(order.desc()).limit(limit + 1)).all()


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
