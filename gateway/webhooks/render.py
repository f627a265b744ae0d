"""Webhooks and deliveries as the API shows them."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.webhooks.models import DeliveryState, DisabledReason, Webhook, WebhookAttempt, WebhookDelivery
from gateway.webhooks.schemas import AttemptOut, DeliveryOut, WebhookOut, WebhookWithSecret


def render_webhook(webhook: Webhook, *, pending: int) -> WebhookOut:
    """The endpoint without anything secret."""
    return WebhookOut(
        id=webhook.id,
        url=webhook.url,
        description=webhook.description,
        events=webhook.events,
        sessions=webhook.session_ids,
        header_names=webhook.header_names,
        active=webhook.active,
        disabled_reason=DisabledReason(webhook.disabled_reason) if webhook.disabled_reason else None,
        disabled_at=webhook.disabled_at,
        failing_since=webhook.failing_since,
        failures=webhook.failures,
        last_error=webhook.last_error,
        pending=pending,
        created_at=webhook.created_at,
        updated_at=webhook.updated_at,
    )


def render_with_secret(webhook: Webhook, *, pending: int, secret: str | None) -> WebhookWithSecret:
    """The endpoint with the secret that is shown once."""
    return WebhookWithSecret(**dict(render_webhook(webhook, pending=pending)), secret=secret)


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
