"""What a POST to an endpoint needs: its address, its headers and the secrets that are valid now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from gateway.kit.vault import Vault
from gateway.webhooks.models import Webhook


@dataclass(frozen=True, kw_only=True)
class Target:
    """An endpoint, unsealed. Lives in memory only and never prints what is secret."""

    webhook_id: int
    org_id: int
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    secret: str = field(repr=False)
    previous_secret: str | None = field(repr=False)
    previous_secret_until: datetime | None

    def secrets_at(self, now: datetime) -> list[str]:
        """The secrets to sign with: the newest, and for a day after a rotation the one before."""
        if self.previous_secret is None or self.previous_secret_until is None or now >= self.previous_secret_until:
            return [self.secret]
        return [self.secret, self.previous_secret]


class TargetSeals:
    """Seals and unseals what an endpoint keeps secret."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def seal_secret(self, webhook_id: int, org_id: int, secret: str) -> bytes:
        """The secret as it is stored."""
        return self._vault.seal(secret.encode(), context=_context("secret", webhook_id, org_id))

    def seal_headers(self, webhook_id: int, org_id: int, headers: Mapping[str, str]) -> bytes:
        """The custom headers as they are stored; they often carry a password."""
        return self._vault.seal(msgspec.json.encode(dict(headers)), context=_context("headers", webhook_id, org_id))

    def open(self, webhook: Webhook) -> Target:
        """The endpoint, ready to be called; raises VaultError."""
        return Target(
            webhook_id=webhook.id,
            org_id=webhook.org_id,
            url=webhook.url,
            headers=msgspec.json.decode(self._open(webhook, "headers", webhook.headers), type=dict[str, str]),
            secret=self._open(webhook, "secret", webhook.secret).decode(),
            previous_secret=(
                self._open(webhook, "secret", webhook.previous_secret).decode() if webhook.previous_secret else None
            ),
            previous_secret_until=webhook.previous_secret_until,
        )

    def _open(self, webhook: Webhook, what: str, sealed: bytes) -> bytes:
        return self._vault.open(sealed, context=_context(what, webhook.id, webhook.org_id))


def _context(what: str, webhook_id: int, org_id: int) -> str:
    return f"webhook {what} {org_id} {webhook_id}"
