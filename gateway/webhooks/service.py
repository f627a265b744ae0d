"""What callers may do with webhooks: the endpoints, what they are told, and telling it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from gateway.db.tx import Tx
from gateway.events.models import Event
from gateway.events.service import EventLog
from gateway.fleet.service import Sessions
from gateway.kit.clock import Clock
from gateway.kit.ids import IdGenerator
from gateway.principal import Principal
from gateway.webhooks import store
from gateway.webhooks.errors import (
    DeliveryNotFoundError,
    TooManyWebhooksError,
    WebhookInactiveError,
    WebhookNotFoundError,
    WebhookSealedError,
)
from gateway.webhooks.fanout import Lanes
from gateway.webhooks.models import PayloadKind, Webhook, WebhookDelivery
from gateway.webhooks.signing import new_secret
from gateway.webhooks.standing import is_served, switch_off_by_request, switch_on
from gateway.webhooks.states import EndpointState
from gateway.webhooks.subscriptions import TEST_EVENT
from gateway.webhooks.target import TargetSeals

MAX_WEBHOOKS: Final = 250
_PLAIN_FIELDS: Final = frozenset({"url", "description", "events", "chat_kinds", "payload", "ordered"})


@dataclass(frozen=True, kw_only=True)
class WebhookDraft:
    """What a caller says about an endpoint. ``sessions`` are ids or names; None means all that the caller may see."""

    url: str = ""
    events: Sequence[str] = ("*",)
    sessions: Sequence[str] | None = None
    chat_kinds: Sequence[str] | None = None
    payload: PayloadKind = PayloadKind.FULL
    ordered: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    description: str = ""
    active: bool = True

    def plain(self, name: str) -> object:
        """A field as its column holds it."""
        value = getattr(self, name)
        return list(value) if isinstance(value, (list, tuple)) else value


class Webhooks:
    """The endpoints of an organization. A caller who may see some sessions only sees endpoints for these only."""

    def __init__(
        self,
        *,
        clock: Clock,
        ids: IdGenerator,
        events: EventLog,
        sessions: Sessions,
        seals: TargetSeals,
        lanes: Lanes,
        most: int = MAX_WEBHOOKS,
    ) -> None:
        self._clock = clock
        self._ids = ids
        self._events = events
        self._sessions = sessions
        self._seals = seals
        self._lanes = lanes
        self._most = most

    def create(self, tx: Tx, principal: Principal, draft: WebhookDraft) -> tuple[Webhook, str]:
        """A new endpoint and its secret, which is not shown again."""
        if store.count(tx, org_id=principal.org_id) >= self._most:
            raise TooManyWebhooksError(f"An organization may have {self._most} webhooks.")
        now, webhook_id, secret = self._clock.now(), self._ids.new(), new_secret()
        webhook = Webhook(
            id=webhook_id,
            org_id=principal.org_id,
            **{name: draft.plain(name) for name in _PLAIN_FIELDS},
            session_ids=self._session_filter(tx, principal, draft.sessions),
            header_names=sorted(draft.headers),
            headers=self._seals.seal_headers(webhook_id, principal.org_id, draft.headers),
            secret=self._seals.seal_secret(webhook_id, principal.org_id, secret),
            state=EndpointState.ACTIVE,
            failures=0,
            created_at=now,
            updated_at=now,
        )
        if not draft.active:
            switch_off_by_request(webhook, now)
        tx.add(webhook)
        return webhook, secret

    def get(self, tx: Tx, principal: Principal, webhook_id: int) -> Webhook:
        """The endpoint; raises WebhookNotFoundError."""
        webhook = store.find(tx, org_id=principal.org_id, webhook_id=webhook_id)
        if webhook is None or not _may_see(principal, webhook):
            raise WebhookNotFoundError
        return webhook

    def page(self, tx: Tx, principal: Principal, *, after: int | None, limit: int) -> Sequence[Webhook]:
        """The endpoints that the caller may see, oldest first, one more than ``limit``."""
        if principal.session_ids is None:
            return store.page(tx, org_id=principal.org_id, after=after, limit=limit)
        everything = store.every(tx, org_id=principal.org_id)
        visible = [webhook for webhook in everything if webhook.id > (after or 0) and _may_see(principal, webhook)]
        return visible[: limit + 1]

    def visible_ids(self, tx: Tx, principal: Principal) -> list[int]:
        """The endpoints that the caller may see."""
        return [webhook.id for webhook in store.every(tx, org_id=principal.org_id) if _may_see(principal, webhook)]

    def update(self, tx: Tx, principal: Principal, webhook: Webhook, draft: WebhookDraft, changes: Set[str]) -> None:
        """Take over those fields of the draft that ``changes`` names."""
        now = self._clock.now()
        for name in changes & _PLAIN_FIELDS:
            setattr(webhook, name, draft.plain(name))
        if "sessions" in changes:
            webhook.session_ids = self._session_filter(tx, principal, draft.sessions)
        if "headers" in changes:
            webhook.header_names = sorted(draft.headers)
            webhook.headers = self._seals.seal_headers(webhook.id, webhook.org_id, draft.headers)
        if "active" in changes:
            self._switch(tx, webhook, active=draft.active)
        webhook.updated_at = now
        self._tell_lane(tx, webhook)

    def remove(self, tx: Tx, webhook: Webhook) -> None:
        """Delete it and everything that waits for it."""
        store.remove(tx, webhook)
        self._tell_lane(tx, webhook)

    def rotate_secret(self, tx: Tx, webhook: Webhook, *, overlap: timedelta) -> str:
        """A new secret. For as long as ``overlap`` each request carries signatures of those before, too."""
        secret = self._seals.rotate(webhook, now=self._clock.now(), overlap=overlap)
        self._tell_lane(tx, webhook)
        return secret

    def test(self, tx: Tx, webhook: Webhook) -> Event:
        """Send the endpoint, and no other, an event that says nothing. It is tried once."""
        self.demand_active(webhook)
        return self._events.emit(tx, org_id=webhook.org_id, type=TEST_EVENT, subject=("webhook", webhook.id), data={})

    def is_readable(self, webhook: Webhook) -> bool:
        """Whether what the endpoint keeps secret can be opened; nothing is delivered while it cannot."""
        return self._seals.can_open(webhook)

    def demand_active(self, webhook: Webhook) -> None:
        """Raise WebhookInactiveError or WebhookSealedError when nothing would be delivered."""
        if not is_served(webhook):
            raise WebhookInactiveError
        if not self.is_readable(webhook):
            raise WebhookSealedError("Put the key back, or rotate the secret and set the headers again.")

    def delivery(self, tx: Tx, webhook: Webhook, delivery_id: int) -> WebhookDelivery:
        """One delivery of the endpoint; raises DeliveryNotFoundError."""
        delivery = store.find_delivery(tx, webhook=webhook, delivery_id=delivery_id)
        if delivery is None:
            raise DeliveryNotFoundError
        return delivery

    def needed_events(self, tx: Tx, event_ids: Sequence[int]) -> frozenset[int]:
        """Those of these events that some endpoint has yet to be told of, switched off or not."""
        return store.pending_events(tx, event_ids=event_ids)

    def _session_filter(self, tx: Tx, principal: Principal, refs: Sequence[str] | None) -> list[int] | None:
        if refs is not None:
            return sorted({self._sessions.get(tx, principal, ref).id for ref in refs})
        return None if principal.session_ids is None else sorted(principal.session_ids)

    def _switch(self, tx: Tx, webhook: Webhook, *, active: bool) -> None:
        now = self._clock.now()
        if not active:
            switch_off_by_request(webhook, now)
            return
        if not is_served(webhook):
            store.hurry(tx, webhook_id=webhook.id, now=now)
        switch_on(webhook)

    def _tell_lane(self, tx: Tx, webhook: Webhook) -> None:
        webhook_id = webhook.id
        tx.after_commit(lambda: self._lanes.changed(webhook_id))


def _may_see(principal: Principal, webhook: Webhook) -> bool:
    if principal.session_ids is None:
        return True
    return webhook.session_ids is not None and principal.session_ids.issuperset(webhook.session_ids)
