"""What a POST to an endpoint needs: its address, its headers and the secrets that are valid now."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import msgspec

from gateway.kit.vault import Vault, VaultError
from gateway.webhooks.models import PayloadKind, Webhook
from gateway.webhooks.signing import new_secret

#: Older secrets that are still signed with. More rotations than this within their time end the oldest one early.
MOST_OLD_SECRETS: Final = 9


class OldSecret(msgspec.Struct, frozen=True):
    """A secret that was replaced, and how long it still counts."""

    secret: str
    until: datetime


@dataclass(frozen=True, kw_only=True)
class Target:
    """An endpoint, unsealed. Lives in memory only and never prints what is secret."""

    webhook_id: int
    org_id: int
    payload: PayloadKind
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    secret: str = field(repr=False)
    old_secrets: Sequence[OldSecret] = field(repr=False)

    def secrets_at(self, now: datetime) -> list[str]:
        """The secrets to sign with: the newest first, then those whose time is not over."""
        return [self.secret, *(old.secret for old in self.old_secrets if now < old.until)]


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

    def rotate(self, webhook: Webhook, *, now: datetime, overlap: timedelta) -> str:
        """Give the endpoint a new secret; those before count until their time is over, at most ``overlap`` from now.

        What cannot be opened any more is let go of: rotating is how an endpoint gets a readable secret again.
        """
        still = now + overlap
        olds: list[OldSecret] = []
        if still > now and self.can_open_secret(webhook):
            known = [OldSecret(self._secret(webhook), still), *self._old_secrets(webhook)]
            olds = [OldSecret(old.secret, min(old.until, still)) for old in known if now < old.until]
        secret = new_secret()
        webhook.secret = self.seal_secret(webhook.id, webhook.org_id, secret)
        webhook.old_secrets = self._seal_old(webhook, olds[:MOST_OLD_SECRETS])
        webhook.updated_at = now
        return secret

    def open(self, webhook: Webhook) -> Target:
        """The endpoint, ready to be called; raises VaultError."""
        headers = self._open(webhook, "headers", webhook.headers)
        return Target(
            webhook_id=webhook.id,
            org_id=webhook.org_id,
            payload=PayloadKind(webhook.payload),
            url=webhook.url,
            headers=msgspec.json.decode(headers, type=dict[str, str]),
            secret=self._secret(webhook),
            old_secrets=self._old_secrets(webhook),
        )

    def can_open(self, webhook: Webhook) -> bool:
        """Whether :meth:`open` would succeed."""
        return _succeeds(self.open, webhook)

    def can_open_secret(self, webhook: Webhook) -> bool:
        """Whether the secrets, whatever of the headers, are readable."""
        return _succeeds(self._secret, webhook) and _succeeds(self._old_secrets, webhook)

    def _secret(self, webhook: Webhook) -> str:
        return self._open(webhook, "secret", webhook.secret).decode()

    def _old_secrets(self, webhook: Webhook) -> list[OldSecret]:
        if webhook.old_secrets is None:
            return []
        opened = self._open(webhook, "old secrets", webhook.old_secrets)
        return msgspec.json.decode(opened, type=list[OldSecret])

    def _seal_old(self, webhook: Webhook, olds: Sequence[OldSecret]) -> bytes | None:
        if not olds:
            return None
        context = _context("old secrets", webhook.id, webhook.org_id)
        return self._vault.seal(msgspec.json.encode(list(olds)), context=context)

    def _open(self, webhook: Webhook, what: str, sealed: bytes) -> bytes:
        return self._vault.open(sealed, context=_context(what, webhook.id, webhook.org_id))


def _context(what: str, webhook_id: int, org_id: int) -> str:
    return f"webhook {what} {org_id} {webhook_id}"


def _succeeds(opening: Callable[[Webhook], object], webhook: Webhook) -> bool:
    try:
        opening(webhook)
    except VaultError:
        return False
    return True
