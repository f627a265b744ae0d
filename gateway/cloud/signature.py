"""The signature that Cloud API webhooks carry, with the endpoint's secret in the place of the app secret."""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

HEADER: Final = "X-Hub-Signature-256"


def hub_signature(*, body: bytes, secret: str) -> dict[str, str]:
    """The one header. Receivers take the secret as it was shown to them, prefix and all: it is text to them, no key."""
    return {HEADER: "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}
