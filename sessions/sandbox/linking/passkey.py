"""The question for a passkey, which WhatsApp puts to a client in place of linking it to some accounts."""

from __future__ import annotations

import base64
import json
import secrets

from sessions.sandbox.wire.node import Attrs, Node

KIND = "passkey_prologue_request"
RELYING_PARTY = "whatsapp.com"
_PATIENCE = 300_000  # milliseconds


def passkey_request(attrs: Attrs) -> Node:
    """The notification with the WebAuthn options. Nobody answers it here, so any challenge will do."""
    challenge = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")
    options = {
        "challenge": challenge,
        "timeout": _PATIENCE,
        "rpId": RELYING_PARTY,
        "allowCredentials": [],
        "userVerification": "required",
    }
    content = [Node("passkey_request_options", {}, json.dumps(options).encode())]
    return Node("notification", {**attrs, "type": KIND}, content)
