"""The list of sessions and the page of one, with what may be done to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from aiohttp import web

from gateway.db.tx import Database, Tx
from gateway.events.models import Event
from gateway.events.service import EventLog
from gateway.fleet.lifecycle import Lifecycle
from gateway.fleet.links import PairingLinks
from gateway.fleet.models import Session
from gateway.fleet.render import render_reasons, session_id
from gateway.fleet.schemas import SessionCreate
from gateway.fleet.service import Sessions
from gateway.kit.errors import GatewayError
from gateway.principal import Principal
from sessions.engine import Engine
from web.forms import parse_form, problems_of, read_form
from web.pages import Renderer
from web.session_view import happenings, view
from web.visitor import Visitors

_MOST = 500  #: cards on one page

_EVENTS_SHOWN = 20

#: What a form may ask for, and the operation that its sender must be allowed.
_CHANGES = {
    "start": "sessions.start",
    "stop": "sessions.stop",
    "restart": "sessions.restart",
    "logout": "sessions.logout",
    "delete": "sessions.delete",
    "link": "sessions.pairing_link",
    "share": "sessions.pairing_link",
    "withdraw": "sessions.pairing_link_revoke",
}


class SessionPages:
    """``/sessions`` and what is under it. Every change is a form, so that it works without scripts."""

    def __init__(
        self,
        *,
        database: Database,
        sessions: Sessions,
        links: PairingLinks,
        lifecycle: Lifecycle,
        engine: Engine,
        events: EventLog,
        renderer: Renderer,
        visitors: Visitors,
        public_url: str | None,
        link_seconds: int,
    ) -> None:
        self._database = database
        self._sessions = sessions
        self._links = links
        self._lifecycle = lifecycle
        self._engine = engine
        self._events = events
        self._renderer = renderer
        self._visitors = visitors
        self._public_url = public_url
        self._link_seconds = link_seconds

    def routes(self) -> Sequence[web.RouteDef]:
        return [
            web.get("/sessions", self._list),
            web.post("/sessions", self._create),
            web.get("/sessions/{session}", self._show),
            web.post(f"/sessions/{{session}}/{{change:{'|'.join(_CHANGES)}}}", self._change),
        ]

    async def _list(self, request: web.Request) -> web.StreamResponse:
        principal = await self._visitors.demand(request, "sessions.list")
        return await self._list_page(principal)

    async def _create(self, request: web.Request) -> web.StreamResponse:
        principal = await self._visitors.demand(request, "sessions.create")
        values = await read_form(request)
        try:
            form = parse_form(SessionCreate, values)
            session = await self._database.write(
                lambda tx: self._sessions.create(tx, principal, name=form.name, expected_phone=form.expected_phone)
            )
        except GatewayError as error:
            return await self._list_page(principal, values=values, problems=problems_of(error), status=error.status)
        raise web.HTTPSeeOther(f"/sessions/{session_id(session)}")

    async def _list_page(
        self,
        principal: Principal,
        *,
        values: dict[str, str] | None = None,
        problems: dict[str, str] | None = None,
        status: int = 200,
    ) -> web.Response:
        found = await self._database.read(lambda tx: self._sessions.list(tx, principal, limit=_MOST))
        return self._renderer.page(
            "sessions.html",
            principal=principal,
            status=status,
            sessions=[view(session) for session in found],
            values=values or {},
            problems=problems or {},
        )

    async def _show(self, request: web.Request) -> web.StreamResponse:
        principal = await self._visitors.demand(request, "sessions.read")
        return await self._session_page(request, principal)

    async def _session_page(
        self, request: web.Request, principal: Principal, *, shared: tuple[str, datetime] | None = None
    ) -> web.Response:
        ref = request.match_info["session"]

        def load(tx: Tx) -> tuple[Session, Sequence[Event]]:
            session = self._sessions.get(tx, principal, ref)
            return session, self._events.recent_of_session(
                tx, org_id=principal.org_id, session_id=session.id, limit=5 * _EVENTS_SHOWN
            )

        session, events = await self._database.read(load)
        return self._renderer.page(
            "session.html",
            principal=principal,
            session=view(session, self._engine.liveness(session_id(session))),
            reasons=render_reasons(session),
            events=happenings(events)[:_EVENTS_SHOWN],
            shared=shared,
        )

    async def _change(self, request: web.Request) -> web.StreamResponse:
        change = request.match_info["change"]
        principal = await self._visitors.demand(request, _CHANGES[change])
        ref = request.match_info["session"]
        session = await self._database.read(lambda tx: self._sessions.get(tx, principal, ref))
        if change == "link":
            url, _ = await self._new_link(request, session)
            raise web.HTTPSeeOther(url)
        if change == "share":
            return await self._session_page(request, principal, shared=await self._new_link(request, session))
        await self._apply(change, principal, session)
        raise web.HTTPSeeOther("/sessions" if change == "delete" else f"/sessions/{session_id(session)}")

    async def _apply(self, change: str, principal: Principal, session: Session) -> None:
        if change == "logout":
            await self._lifecycle.log_out(session, force=False)
            return
        verbs: dict[str, Callable[[Tx, Session], object]] = {
            "start": self._sessions.start,
            "stop": self._sessions.stop,
            "restart": self._sessions.start,
            "delete": self._sessions.remove,
            "withdraw": self._links.void,
        }
        ref = session_id(session)
        await self._database.write(lambda tx: verbs[change](tx, self._sessions.get(tx, principal, ref)))
        self._lifecycle.changed()
        if change == "restart":
            await self._lifecycle.restart(session)

    async def _new_link(self, request: web.Request, session: Session) -> tuple[str, datetime]:
        """A fresh pairing link; relative for this browser's own use would do, but it is also shown to be sent."""
        self._sessions.demand_unpaired(session)
        link, token = await self._database.write(
            lambda tx: self._links.create(tx, session, valid_seconds=self._link_seconds)
        )
        base = (self._public_url or f"{request.scheme}://{request.host}").rstrip("/")
        return f"{base}/pair/{token}", link.expires_at
