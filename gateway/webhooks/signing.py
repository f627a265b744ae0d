"""Secrets and signatures as the Standard Webhooks specification wants them."""

from __future__ import annotations

import base64
import os
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from standardwebhooks.webhooks import Webhook as Signer

SECRET_PREFIX: Final = "whsec_"
_SECRET_BYTES: Final = 32


def new_secret() -> str:
    """A fresh secret, to be shown once."""
    return SECRET_PREFIX + base64.b64encode(os.urandom(_SECRET_BYTES)).decode()


def signature_headers(*, event: str, at: datetime, body: bytes, secrets: Sequence[str]) -> dict[str, str]:
    """The three headers. The id is the event's on every try; one signature for each secret that is valid now."""
    text = body.decode()
    signatures = [Signer(secret).sign(event, at, text) for secret in secrets]
    return {
        "webhook-id": event,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
