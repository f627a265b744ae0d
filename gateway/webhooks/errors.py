"""What can go wrong with webhooks; codes are stable and documented."""

from __future__ import annotations

from gateway.kit.errors import ConflictError, NotFoundError


class WebhookNotFoundError(NotFoundError):
    default_code = "webhook_not_found"
    title = "There is no such webhook."


class DeliveryNotFoundError(NotFoundError):
    default_code = "delivery_not_found"
    title = "There is no such delivery."


class WebhookInactiveError(ConflictError):
    default_code = "webhook_inactive"
    title = "The webhook is switched off. Switch it on first."


class TooManyWebhooksError(ConflictError):
    default_code = "webhook_limit_reached"
    title = "The organization has as many webhooks as it may have."


class WebhookSealedError(ConflictError):
    default_code = "webhook_sealed"
    title = "The secret of the webhook cannot be read with the key in the data folder."
