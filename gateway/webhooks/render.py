"""Webhooks and deliveries as the API shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gateway.webhooks.models import PayloadKind, Webhook, WebhookAttempt, WebhookDelivery
from gateway.webhooks.schemas import AttemptOut, DeliveryOut, WebhookOut, WebhookWithSecret
from gateway.webhooks.standing import is_served
from gateway.webhooks.states import DeliveryState, EndpointState


@dataclass(frozen=True, kw_only=True)
class Circumstances:
    """What there is to say of an endpoint beside its row."""

    disable_after: timedelta
    is_readable: bool = True
    counts: Mapping[str, int] = field(default_factory=dict)


def render_webhook(webhook: Webhook, around: Circumstances) -> WebhookOut:
    """The endpoint without anything secret."""
    return WebhookOut(
        id=webhook.id,
        url=webhook.url,
        description=webhook.description,
        events=webhook.events,
        sessions=webhook.session_ids,
        chat_kinds=webhook.chat_kinds,
        payload=PayloadKind(webhook.payload),
        ordered=webhook.ordered,
        header_names=webhook.header_names,
        active=is_served(webhook),
        state=EndpointState(webhook.state),
        problem=None if around.is_readable else "secret_unreadable",
        disabled_at=webhook.disabled_at,
        failing_since=webhook.failing_since,
        disabled_from=_disabled_from(webhook, around.disable_after),
        failures=webhook.failures,
        last_error=webhook.last_error,
        pending=around.counts.get(DeliveryState.PENDING, 0),
        dead=around.counts.get(DeliveryState.DEAD, 0),
        created_at=webhook.created_at,
        updated_at=webhook.updated_at,
    )


def render_with_secret(webhook: Webhook, around: Circumstances, *, secret: str | None) -> WebhookWithSecret:
    """The endpoint with the secret that is shown once."""
    return WebhookWithSecret(**dict(render_webhook(webhook, around)), secret=secret)


def _disabled_from(webhook: Webhook, disable_after: timedelta) -> datetime | None:
    if webhook.counting_since is None or not is_served(webhook):
        return None
    return webhook.counting_since + disable_after


def render_delivery(delivery: WebhookDelivery, attempts: Sequence[WebhookAttempt]) -> DeliveryOut:
    """The delivery with its attempts."""
    state = DeliveryState(delivery.state)
    return DeliveryOut(
        id=delivery.id,
        webhook=delivery.webhook_id,
        event=delivery.event_id,
        event_type=delivery.event_type,
        state=state,
        due_at=delivery.due_at if state is DeliveryState.PENDING else None,
        created_at=delivery.created_at,
        finished_at=delivery.finished_at,
        attempts=[
            AttemptOut(
                number=attempt.number,
                at=attempt.at,
                duration_ms=attempt.duration_ms,
                status=attempt.status,
                error=attempt.error,
                excerpt=attempt.excerpt,
            )
            for attempt in attempts
        ],
    )
