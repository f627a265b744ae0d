"""Statements on the outbox of deliveries: written with the event, read by lanes, settled after each try."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, cast

from sqlalchemy import Table, bindparam, exists, func, insert, literal, select, update

from gateway.db.tx import Tx
from gateway.db.types import UtcDateTime
from gateway.events.models import Event
from gateway.webhooks.models import DeliveryState, Webhook, WebhookAttempt, WebhookDelivery

# Every event of the gateway passes here, hence statements that are built once, and on tables where no row is loaded.
_WEBHOOKS: Final = cast(Table, Webhook.__table__)
_DELIVERIES: Final = cast(Table, WebhookDelivery.__table__)
_ATTEMPTS: Final = cast(Table, WebhookAttempt.__table__)
_SUBSCRIPTIONS: Final = select(_WEBHOOKS.c.id, _WEBHOOKS.c.events, _WEBHOOKS.c.session_ids).where(
    _WEBHOOKS.c.org_id == bindparam("org"), _WEBHOOKS.c.active.is_(True)
)
_ADD: Final = insert(_DELIVERIES)
_FIND_ACTIVE: Final = select(Webhook).where(Webhook.id == bindparam("webhook"), Webhook.active.is_(True))
_DUE: Final = (
    select(WebhookDelivery, Event)
    .join(Event, Event.id == WebhookDelivery.event_id)
    .where(
        WebhookDelivery.webhook_id == bindparam("webhook"),
        WebhookDelivery.state == DeliveryState.PENDING,
        WebhookDelivery.due_at <= bindparam("now"),
    )
    .order_by(WebhookDelivery.event_id)
    .limit(bindparam("most"))
)
_NEXT_DUE_AT: Final = select(func.min(_DELIVERIES.c.due_at)).where(
    _DELIVERIES.c.webhook_id == bindparam("webhook"),
    _DELIVERIES.c.state == DeliveryState.PENDING,
    _DELIVERIES.c.due_at > bindparam("now"),
)
_RECORD_ATTEMPT: Final = insert(_ATTEMPTS)
_SETTLE: Final = update(_DELIVERIES).where(_DELIVERIES.c.id == bindparam("delivery"))
_NOTE_SUCCESS: Final = (
    update(_WEBHOOKS)
    .where(_WEBHOOKS.c.id == bindparam("webhook"), _WEBHOOKS.c.failing_since.is_not(None))
    .values(failing_since=None, failures=0, last_error=None)
)


def active_subscriptions(tx: Tx, *, org_id: int) -> Sequence[tuple[int, list[str], list[int] | None]]:
    """Id, event globs and session filter of every active endpoint."""
    rows: Any = tx.execute(_SUBSCRIPTIONS, {"org": org_id})
    return [(webhook_id, globs, session_ids) for webhook_id, globs, session_ids in rows]


def add(tx: Tx, *, rows: Sequence[Mapping[str, Any]]) -> None:
    """Put deliveries into the outbox."""
    tx.execute(_ADD, list(rows))


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
    found: Webhook | None = tx.execute(_FIND_ACTIVE, {"webhook": webhook_id}).scalar_one_or_none()
    return found


def due(tx: Tx, *, webhook_id: int, now: datetime, limit: int) -> Sequence[tuple[WebhookDelivery, Event]]:
    """Deliveries that may be tried now, in the order of their events."""
    rows: Any = tx.execute(_DUE, {"webhook": webhook_id, "now": now, "most": limit})
    return [(delivery, event) for delivery, event in rows]


def next_due_at(tx: Tx, *, webhook_id: int, now: datetime) -> datetime | None:
    """When the next delivery that must still wait may be tried."""
    found: datetime | None = tx.execute(_NEXT_DUE_AT, {"webhook": webhook_id, "now": now}).scalar_one()
    return found


def record_attempt(tx: Tx, values: Mapping[str, Any]) -> None:
    tx.execute(_RECORD_ATTEMPT, dict(values))


def settle(tx: Tx, *, delivery_id: int, values: Mapping[str, Any]) -> bool:
    """Write where a delivery stands now; False when its webhook was deleted meanwhile."""
    result = tx.execute(_SETTLE, {"delivery": delivery_id, **values})
    return bool(getattr(result, "rowcount", 0))


def note_success(tx: Tx, *, webhook_id: int) -> None:
    """The endpoint works again."""
    tx.execute(_NOTE_SUCCESS, {"webhook": webhook_id})


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
