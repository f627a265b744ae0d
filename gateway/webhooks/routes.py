"""The webhooks API: endpoints and their secrets."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from gateway.api.fields import id_in_path
from gateway.api.paging import PageQuery, page_of
from gateway.api.route import Call, route
from gateway.db.tx import Database, Tx
from gateway.kit.errors import FieldError, InvalidError
from gateway.kit.guard import AddressGuard
from gateway.webhooks import store
from gateway.webhooks.challenge import Challenger
from gateway.webhooks.models import PayloadKind, Webhook
from gateway.webhooks.render import Circumstances, render_webhook, render_with_secret
from gateway.webhooks.schemas import (
    RotateRequest,
    WebhookCreate,
    WebhookOut,
    WebhookPage,
    WebhookUpdate,
    WebhookWithSecret,
)
from gateway.webhooks.service import WebhookDraft, Webhooks

_TAG = "webhooks"
_BASE = "/api/v1/webhooks"
_ONE = f"{_BASE}/{{webhook}}"


class WebhookRoutes:
    """Endpoints: make, read, change, delete, rotate the secret."""

    def __init__(
        self,
        *,
        database: Database,
        webhooks: Webhooks,
        guard: AddressGuard,
        challenger: Challenger,
        disable_after: timedelta,
    ) -> None:
        self._database = database
        self._webhooks = webhooks
        self._guard = guard
        self._challenger = challenger
        self._disable_after = disable_after

    @route(
        "POST",
        _BASE,
        operation="webhooks.create",
        summary="Create a webhook",
        tag=_TAG,
        takes=WebhookCreate,
        gives=WebhookWithSecret,
        status=201,
        idempotent_key=True,
        errors=("address_refused", "session_not_found", "webhook_limit_reached", "webhook_not_verified"),
        description="The answer holds the secret for checking signatures. It is shown this once.",
    )
    async def create(self, call: Call) -> WebhookWithSecret:
        body: WebhookCreate = call.body
        await self._guard.vet(body.url)
        if body.payload is PayloadKind.CLOUD:
            await self._challenger.demand(body.url, _demand_token(body))
        draft = _draft(body)

        def work(tx: Tx) -> WebhookWithSecret:
            webhook, secret = self._webhooks.create(tx, call.caller, draft)
            around = self._around(webhook, {})
            call.remember(tx, render_with_secret(webhook, around, secret=None))
            return render_with_secret(webhook, around, secret=secret)

        return await self._database.write(work)

    @route(
        "GET",
        _BASE,
        operation="webhooks.list",
        summary="List webhooks",
        tag=_TAG,
        query=PageQuery,
        gives=WebhookPage,
    )
    async def list(self, call: Call) -> WebhookPage:
        query: PageQuery = call.query

        def work(tx: Tx) -> WebhookPage:
            found = self._webhooks.page(tx, call.caller, after=query.position(), limit=query.limit)
            rows, following = page_of(found, limit=query.limit, position=lambda webhook: webhook.id)
            counts = store.counts(tx, webhook_ids=[webhook.id for webhook in rows])
            items = [render_webhook(webhook, self._around(webhook, counts[webhook.id])) for webhook in rows]
            return WebhookPage(items=items, next=following)

        return await self._database.read(work)

    @route(
        "GET",
        _ONE,
        operation="webhooks.read",
        summary="Read a webhook",
        tag=_TAG,
        gives=WebhookOut,
        errors=("webhook_not_found",),
    )
    async def read(self, call: Call) -> WebhookOut:
        return await self._database.read(lambda tx: self._render(tx, self._find(tx, call)))

    @route(
        "PATCH",
        _ONE,
        operation="webhooks.update",
        summary="Change a webhook",
        tag=_TAG,
        takes=WebhookUpdate,
        gives=WebhookOut,
        errors=("webhook_not_found", "address_refused", "session_not_found", "webhook_not_verified"),
        description="Deliveries that wait go to the endpoint as it is then.",
    )
    async def update(self, call: Call) -> WebhookOut:
        body: WebhookUpdate = call.body
        if "url" in body.model_fields_set:
            await self._guard.vet(body.url)
        await self._challenge_changed(call, body)
        draft = _draft(body)

        def work(tx: Tx) -> WebhookOut:
            webhook = self._find(tx, call)
            self._webhooks.update(tx, call.caller, webhook, draft, body.model_fields_set)
            return self._render(tx, webhook)

        return await self._database.write(work)

    @route(
        "DELETE",
        _ONE,
        operation="webhooks.delete",
        summary="Delete a webhook",
        tag=_TAG,
        errors=("webhook_not_found",),
        description="What waits for it is not delivered any more.",
    )
    async def delete(self, call: Call) -> None:
        await self._database.write(lambda tx: self._webhooks.remove(tx, self._find(tx, call)))

    @route(
        "POST",
        f"{_ONE}/rotate-secret",
        operation="webhooks.rotate_secret",
        summary="Replace the secret",
        tag=_TAG,
        takes=RotateRequest,
        gives=WebhookWithSecret,
        idempotent_key=True,
        errors=("webhook_not_found",),
        description="For 24 hours, or as long as you say, every request is signed with the new secret and with those "
        "before.",
    )
    async def rotate_secret(self, call: Call) -> WebhookWithSecret:
        body: RotateRequest = call.body

        def work(tx: Tx) -> WebhookWithSecret:
            webhook = self._find(tx, call)
            secret = self._webhooks.rotate_secret(tx, webhook, overlap=timedelta(hours=body.overlap_hours))
            around = self._around(webhook, store.counts(tx, webhook_ids=[webhook.id])[webhook.id])
            call.remember(tx, render_with_secret(webhook, around, secret=None))
            return render_with_secret(webhook, around, secret=secret)

        return await self._database.write(work)

    async def _challenge_changed(self, call: Call, body: WebhookUpdate) -> None:
        """An endpoint that becomes one for the Cloud API, or moves as one, has to prove itself as a new one has."""
        webhook = await self._database.read(lambda tx: self._find(tx, call))
        payload = body.payload if "payload" in body.model_fields_set else webhook.payload
        if payload == PayloadKind.CLOUD and body.model_fields_set & {"url", "payload"}:
            await self._challenger.demand(body.url or webhook.url, _demand_token(body))

    def _find(self, tx: Tx, call: Call) -> Webhook:
        webhook_id = id_in_path("whk", call.path["webhook"], code="webhook_not_found")
        return self._webhooks.get(tx, call.caller, webhook_id)

    def _render(self, tx: Tx, webhook: Webhook) -> WebhookOut:
        counts = store.counts(tx, webhook_ids=[webhook.id])[webhook.id]
        return render_webhook(webhook, self._around(webhook, counts))

    def _around(self, webhook: Webhook, counts: Mapping[str, int]) -> Circumstances:
        return Circumstances(
            disable_after=self._disable_after, is_readable=self._webhooks.is_readable(webhook), counts=counts
        )


def _draft(body: WebhookCreate | WebhookUpdate) -> WebhookDraft:
    return WebhookDraft(**{name: value for name, value in body if name != "verify_token"})


def _demand_token(body: WebhookCreate | WebhookUpdate) -> str:
    if body.verify_token is None:
        problem = "The payload `cloud` needs the token that the endpoint knows us by."
        raise InvalidError(problem, fields=(FieldError(path="verify_token", problem=problem),))
    return body.verify_token
