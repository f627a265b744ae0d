"""Tables of webhooks: the endpoint, its deliveries (the outbox) and every attempt at one."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from gateway.db.base import Base, Identified, OrgScoped, Timestamped
from gateway.db.types import JsonType, UtcDateTime
from gateway.webhooks.states import DeliveryState, EndpointState


def _of_state(name: str, *columns: str, state: DeliveryState) -> Index:
    """An index of the few rows in one state, not of the long history."""
    only = text(f"state = '{state.value}'")
    return Index(name, *columns, sqlite_where=only, postgresql_where=only)


class PayloadKind(StrEnum):
    """What is sent of an event."""

    FULL = "full"  #: the whole envelope
    THIN = "thin"  #: without ``data``
    CLOUD = "cloud"  #: as Meta's Cloud API would tell it


class Webhook(Base, Identified, OrgScoped, Timestamped):
    """One endpoint: where to send what, and how it fares. Secret and headers are sealed by the vault."""

    __tablename__ = "webhooks"
    __table_args__ = (Index("ix_webhooks_org_id_id", "org_id", "id"),)

    url: Mapped[str] = mapped_column(String(2048))
    description: Mapped[str] = mapped_column(String(200), default="")
    events: Mapped[list[str]] = mapped_column(JsonType)
    #: None means every session, and events that belong to none
    session_ids: Mapped[list[int] | None] = mapped_column(JsonType)
    header_names: Mapped[list[str]] = mapped_column(JsonType, default=list)
    headers: Mapped[bytes] = mapped_column(LargeBinary)
    secret: Mapped[bytes] = mapped_column(LargeBinary)
    #: the secrets before, each with the time until which it is still signed with
    old_secrets: Mapped[bytes | None] = mapped_column(LargeBinary)
    #: None means chats of every kind, and events that are about none
    chat_kinds: Mapped[list[str] | None] = mapped_column(JsonType)
    payload: Mapped[str] = mapped_column(String(8), default=PayloadKind.FULL)
    #: what must be tried again holds back what comes after it in the same chat
    ordered: Mapped[bool] = mapped_column(default=False)

    state: Mapped[str] = mapped_column(String(16), default=EndpointState.ACTIVE)
    #: when it was switched off
    disabled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: the first failure since the last success; None while all is well
    failing_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: a failure that another one, half a day later, may prove to be more than a hiccup
    suspected_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: that is proven: the days until it is switched off count from here
    counting_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    failures: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None] = mapped_column(String(40))


class WebhookDelivery(Base, Identified, OrgScoped):
    """One event on its way to one endpoint. Written in the transaction of the event, so that none is forgotten."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        UniqueConstraint("webhook_id", "event_id"),
        _of_state("ix_webhook_deliveries_due", "webhook_id", "due_at", state=DeliveryState.PENDING),
        _of_state("ix_webhook_deliveries_strand", "webhook_id", "strand_id", "event_id", state=DeliveryState.PENDING),
        _of_state("ix_webhook_deliveries_dead", "webhook_id", "event_id", state=DeliveryState.DEAD),
        Index("ix_webhook_deliveries_org_id_id", "org_id", "id"),
        Index("ix_webhook_deliveries_event_id", "event_id"),
    )

    webhook_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("webhooks.id", ondelete="CASCADE"))
    event_id: Mapped[int] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"))
    event_type: Mapped[str] = mapped_column(String(64))
    #: what the event is about, a chat above all: deliveries of one strand never overlap
    strand_id: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(String(16), default=DeliveryState.PENDING)
    #: tries in the present round; a redelivery begins a new one
    tries: Mapped[int] = mapped_column(default=0)
    #: tries ever
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class WebhookAttempt(Base, Identified, OrgScoped):
    """One POST and what came of it."""

    __tablename__ = "webhook_attempts"
    __table_args__ = (UniqueConstraint("delivery_id", "number"),)

    delivery_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("webhook_deliveries.id", ondelete="CASCADE"))
    number: Mapped[int] = mapped_column()
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    duration_ms: Mapped[int] = mapped_column()
    #: the HTTP status; None when no answer came
    status: Mapped[int | None] = mapped_column()
    #: None when it was delivered
    error: Mapped[str | None] = mapped_column(String(40))
    excerpt: Mapped[str | None] = mapped_column(Text)
