"""What the store says about the gateway's work, of all organizations, in a few plain questions."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import func, select

from gateway.db.tx import Tx
from gateway.fleet.models import Desired, Session
from gateway.messages.models import Message, Queue
from gateway.messages.states import MessageState
from gateway.webhooks.models import Webhook, WebhookDelivery
from gateway.webhooks.states import DeliveryState, EndpointState


class SeenSession(msgspec.Struct, frozen=True, kw_only=True):
    """A session as its row has it."""

    id: int
    name: str
    status: str
    reason: str | None
    is_linked: bool
    is_wanted: bool


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """What is there to do, and what stands in its way."""

    sessions: list[SeenSession]
    paused: list[str]  #: names of sessions whose queue is paused
    oldest_queued_at: datetime | None
    disabled_webhooks: int
    dead_deliveries: int


def look(tx: Tx) -> Work:
    """Read it all in one snapshot."""
    oldest = select(func.min(Message.updated_at)).where(Message.state == MessageState.QUEUED, Message.hold.is_(None))
    disabled = select(func.count()).select_from(Webhook).where(Webhook.state == EndpointState.DISABLED)
    dead = select(func.count()).select_from(WebhookDelivery).where(WebhookDelivery.state == DeliveryState.DEAD)
    paused = select(Session.name).join(Queue, Queue.session_id == Session.id).where(Queue.paused_at.is_not(None))
    present = select(Session).where(Session.removed_at.is_(None)).order_by(Session.id)
    return Work(
        sessions=[_seen(session) for session in tx.session.scalars(present).all()],
        paused=list(tx.session.scalars(paused.where(Session.removed_at.is_(None)).order_by(Session.id)).all()),
        oldest_queued_at=tx.session.scalar(oldest),
        disabled_webhooks=tx.session.scalar(disabled) or 0,
        dead_deliveries=tx.session.scalar(dead) or 0,
    )


def _seen(session: Session) -> SeenSession:
    return SeenSession(
        id=session.id,
        name=session.name,
        status=session.status,
        reason=session.reason,
        is_linked=session.is_paired,
        is_wanted=session.desired == Desired.RUN,
    )
