"""Statements on the outbox of deliveries: written with the event, read by lanes, settled after each try."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, cast

from sqlalchemy import ColumnElement, Table, bindparam, case, exists, func, insert, literal_column, select, update
from sqlalchemy.orm import aliased

from gateway.chats.models import Chat
from gateway.db.tx import Tx
from gateway.events.models import Event
from gateway.webhooks.models import PayloadKind, Webhook, WebhookAttempt, WebhookDelivery
from gateway.webhooks.states import SERVED, DeliveryState, EndpointState
from gateway.webhooks.subscriptions import Subscription

# Every event of the gateway passes here, hence statements that are built once, and on tables where no row is loaded.
_WEBHOOKS: Final = cast(Table, Webhook.__table__)
_DELIVERIES: Final = cast(Table, WebhookDelivery.__table__)
_ATTEMPTS: Final = cast(Table, WebhookAttempt.__table__)
_SERVED: Final = sorted(state.value for state in SERVED)
#: A constant in the text of the statement, so that the database sees that its small indexes will do.
_PENDING: Final[ColumnElement[str]] = literal_column(f"'{DeliveryState.PENDING.value}'")
_SUBSCRIPTIONS: Final = select(
    _WEBHOOKS.c.id, _WEBHOOKS.c.events, _WEBHOOKS.c.session_ids, _WEBHOOKS.c.chat_kinds, _WEBHOOKS.c.payload
).where(_WEBHOOKS.c.org_id == bindparam("org"), _WEBHOOKS.c.state.in_(_SERVED))
_ADD: Final = insert(_DELIVERIES)
_FIND_SERVED: Final = select(Webhook).where(Webhook.id == bindparam("webhook"), Webhook.state.in_(_SERVED))
_DUE: Final = (
    select(WebhookDelivery, Event)
    .join(Event, Event.id == WebhookDelivery.event_id)
    .where(
        WebhookDelivery.webhook_id == bindparam("webhook"),
        WebhookDelivery.state == _PENDING,
        WebhookDelivery.due_at <= bindparam("now"),
    )
    .order_by(WebhookDelivery.event_id)
    .limit(bindparam("most"))
)
_EARLIER: Final = aliased(WebhookDelivery)
_DUE_IN_ORDER: Final = _DUE.where(
    ~exists().where(
        _EARLIER.webhook_id == WebhookDelivery.webhook_id,
        _EARLIER.state == _PENDING,
        _EARLIER.strand_id == WebhookDelivery.strand_id,
        _EARLIER.event_id < WebhookDelivery.event_id,
        _EARLIER.due_at > bindparam("now"),
    )
)
_NEXT_DUE_AT: Final = select(func.min(_DELIVERIES.c.due_at)).where(
    _DELIVERIES.c.webhook_id == bindparam("webhook"),
    _DELIVERIES.c.state == _PENDING,
    _DELIVERIES.c.due_at > bindparam("now"),
)
_RECORD_ATTEMPT: Final = insert(_ATTEMPTS)
_SETTLE: Final = update(_DELIVERIES).where(_DELIVERIES.c.id == bindparam("delivery"))
_NOTE_SUCCESS: Final = (
    update(_WEBHOOKS)
    .where(_WEBHOOKS.c.id == bindparam("webhook"), _WEBHOOKS.c.failing_since.is_not(None))
    .values(
        state=case((_WEBHOOKS.c.state == EndpointState.FAILING, EndpointState.ACTIVE), else_=_WEBHOOKS.c.state),
        failing_since=None,
        suspected_since=None,
        counting_since=None,
        failures=0,
        last_error=None,
    )
)


def subscriptions(tx: Tx, *, org_id: int) -> Sequence[Subscription]:
    """What every endpoint that is served wants to be told."""
    rows: Any = tx.execute(_SUBSCRIPTIONS, {"org": org_id})
    return [
        Subscription(
            webhook_id=webhook_id,
            globs=globs,
            session_ids=session_ids,
            chat_kinds=chat_kinds,
            payload=PayloadKind(payload),
        )
        for webhook_id, globs, session_ids, chat_kinds, payload in rows
    ]


def kinds_of_chats(tx: Tx, *, events: Iterable[Event]) -> Mapping[int | None, str]:
    """What kind of chat these events are about, by the chat's id."""
    chat_ids = {event.chat_id for event in events if event.chat_id is not None}
    if not chat_ids:
        return {}
    statement = select(Chat.id, Chat.kind).where(Chat.id.in_(sorted(chat_ids)))
    return {row.id: row.kind for row in tx.execute(statement)}


def add(tx: Tx, *, rows: Sequence[Mapping[str, Any]]) -> None:
    """Put deliveries into the outbox."""
    tx.execute(_ADD, list(rows))


def webhooks_with_work(tx: Tx) -> Sequence[int]:
    """Endpoints that are served and for which something waits, in any organization."""
    waiting = exists().where(WebhookDelivery.webhook_id == Webhook.id, WebhookDelivery.state == _PENDING)
    return tx.session.scalars(select(Webhook.id).where(Webhook.state.in_(_SERVED), waiting)).all()


def find_served(tx: Tx, *, webhook_id: int) -> Webhook | None:
    """The endpoint, unless it is gone or switched off."""
    found: Webhook | None = tx.execute(_FIND_SERVED, {"webhook": webhook_id}).scalar_one_or_none()
    return found


def due(
    tx: Tx, *, webhook_id: int, now: datetime, limit: int, in_order: bool
) -> Sequence[tuple[WebhookDelivery, Event]]:
    """Deliveries that may be tried now, in the order of their events.

    With ``in_order`` none behind which an earlier one of its strand waits for a later time.
    """
    statement = _DUE_IN_ORDER if in_order else _DUE
    rows: Any = tx.execute(statement, {"webhook": webhook_id, "now": now, "most": limit})
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


def lock_webhook(tx: Tx, *, webhook_id: int) -> Webhook | None:
    """The endpoint as it stands now; nobody else changes it until the commit."""
    return tx.session.get(Webhook, webhook_id, populate_existing=True, with_for_update=True)
