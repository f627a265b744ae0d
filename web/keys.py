"""API keys: made, shown once, revoked."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from gateway.access.models import ApiKey
from gateway.access.schemas import ApiKeyNew
from gateway.access.service import EVERYTHING, Access
from gateway.api.fields import id_in_path
from gateway.db.tx import Database
from gateway.kit.errors import GatewayError
from gateway.kit.ids import render_id
from gateway.principal import Principal
from web.forms import parse_form, problems_of, read_form
from web.pages import Renderer
from web.visitor import Visitors

_MOST = 200

#: What the form offers; finer scopes are for the API.
PRESETS: dict[str, tuple[str, Sequence[str]]] = {
    "everything": ("Everything that keys may do", EVERYTHING),
    "messages": (
        "Send and receive messages",
        ("messages.*", "media.*", "chats.*", "contacts.*", "events.*", "sessions.read", "sessions.list"),
    ),
    "read": ("Only read", ("*.read", "*.list", "events.*")),
}


class KeyPages:
    """``/keys``."""

    def __init__(self, *, database: Database, access: Access, renderer: Renderer, visitors: Visitors) -> None:
        self._database = database
        self._access = access
        self._renderer = renderer
        self._visitors = visitors

    def routes(self) -> Sequence[web.RouteDef]:
        return [
            web.get("/keys", self._show),
            web.post("/keys", self._create),
            web.post("/keys/{key}/revoke", self._revoke),
        ]

    async def _show(self, request: web.Request) -> web.StreamResponse:
        return await self._page(await self._visitors.demand_person(request, "api_keys.list"))

    async def _create(self, request: web.Request) -> web.StreamResponse:
        principal = await self._visitors.demand_person(request, "api_keys.create")
        values = await read_form(request)
        _, scopes = PRESETS.get(values.get("preset", ""), PRESETS["everything"])
        try:
            form = parse_form(ApiKeyNew, values)
            _, plaintext = await self._database.write(
                lambda tx: self._access.create_key(
                    tx, org_id=principal.org_id, name=form.name, scopes=scopes, user_id=principal.subject_id
                )
            )
        except GatewayError as error:
            return await self._page(principal, values=values, problems=problems_of(error), status=error.status)
        return await self._page(principal, made=plaintext)

    async def _revoke(self, request: web.Request) -> web.StreamResponse:
        principal = await self._visitors.demand_person(request, "api_keys.revoke")
        key_id = id_in_path("key", request.match_info["key"], code="api_key_not_found")
        await self._database.write(lambda tx: self._access.revoke_key(tx, org_id=principal.org_id, key_id=key_id))
        raise web.HTTPSeeOther("/keys")

    async def _page(
        self,
        principal: Principal,
        *,
        made: str | None = None,
        values: dict[str, str] | None = None,
        problems: dict[str, str] | None = None,
        status: int = 200,
    ) -> web.Response:
        rows = await self._database.read(
            lambda tx: self._access.page_of_keys(tx, org_id=principal.org_id, before=None, limit=_MOST)
        )
        return self._renderer.page(
            "keys.html",
            principal=principal,
            status=status,
            keys=[_shown(row) for row in rows if row.revoked_at is None],
            presets={name: label for name, (label, _) in PRESETS.items()},
            made=made,
            values=values or {},
            problems=problems or {},
        )


def _shown(row: ApiKey) -> dict[str, object]:
    return {
        "id": render_id("key", row.id),
        "name": row.name,
        "hint": row.hint,
        "scopes": "everything" if list(row.scopes) == ["*"] else ", ".join(row.scopes),
        "created_at": row.created_at,
        "used_at": row.used_at,
    }
