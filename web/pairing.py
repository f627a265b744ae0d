"""The customer's page that links a phone: a live QR code, a code to type instead, and what went wrong in words."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import datetime

import msgspec
from aiohttp import web
from pydantic import TypeAdapter, ValidationError

from gateway.api.streams import StreamEvent, Streams
from gateway.db.tx import Database
from gateway.fleet.attempt import Attempt, PairingPhase, PairingState
from gateway.fleet.errors import PairingLinkGoneError
from gateway.fleet.links import PairingLinks
from gateway.fleet.models import PairingLink, Session
from gateway.fleet.pairing import PairingDesk
from gateway.fleet.qr import QrArtist
from gateway.fleet.schemas import PhoneNumber
from gateway.kit.clock import Clock
from gateway.kit.errors import GatewayError, GoneError, NotFoundError
from web.pages import Renderer
from web.pairing_view import PairingView, linked_view, refused_view, view_of
from web.visitor import Visitors

_PHONE: TypeAdapter[str] = TypeAdapter(PhoneNumber)


class PairingPages:
    """Everything under ``/pair/{token}``. Who holds the token may link the phone, and nothing else."""

    def __init__(
        self,
        *,
        database: Database,
        links: PairingLinks,
        desk: PairingDesk,
        artist: QrArtist,
        renderer: Renderer,
        visitors: Visitors,
        streams: Streams,
        clock: Clock,
        show_code_text: bool = False,
    ) -> None:
        self._database = database
        self._links = links
        self._desk = desk
        self._artist = artist
        self._renderer = renderer
        self._visitors = visitors
        self._streams = streams
        self._clock = clock
        self._show_code_text = show_code_text

    def routes(self) -> Sequence[web.RouteDef]:
        return [
            web.get("/pair/{token}", self._show),
            web.get("/pair/{token}/events", self._events),
            web.get("/pair/{token}/qr.svg", self._picture),
            web.post("/pair/{token}/code", self._code),
        ]

    async def _show(self, request: web.Request) -> web.StreamResponse:
        try:
            link, session = await self._open(request)
        except (GoneError, NotFoundError) as error:
            return self._renderer.page("pair_gone.html", status=error.status, problem=error)
        return await self._page(request, link, session)

    async def _page(
        self,
        request: web.Request,
        link: PairingLink,
        session: Session,
        *,
        status: int = 200,
        phone: str = "",
        phone_code: str | None = None,
        problem: str | None = None,
    ) -> web.StreamResponse:
        return self._renderer.page(
            "pair.html",
            principal=await self._visitors.find(request),
            status=status,
            token=request.match_info["token"],
            session=session,
            link=link,
            view=linked_view(session) if session.is_paired else None,
            phone=phone,
            phone_code=phone_code,
            problem=problem,
            show_code_text=self._show_code_text,
        )

    async def _events(self, request: web.Request) -> web.StreamResponse:
        """State first, then every change: a page that reloads or reconnects is right at once."""
        link, session = await self._open(request)
        async with aclosing(self._views(request, link, session)) as views:
            return await self._streams.serve(request, views)

    async def _views(self, request: web.Request, link: PairingLink, session: Session) -> AsyncGenerator[bytes]:
        if session.is_paired:
            yield _as_event(linked_view(session))
            return
        try:
            async with self._desk.watch(session) as attempt:
                state: PairingState | None = None
                while state is None or not state.is_over:
                    state = await self._next(attempt, state, link.expires_at)
                    yield _as_event(await self._view(request, state))
        except GatewayError as error:  # withdrawn, expired or removed while the page was open
            yield _as_event(refused_view(error.detail))

    async def _next(self, attempt: Attempt, seen: PairingState | None, expires_at: datetime) -> PairingState:
        """The first state after the one seen; raises when the link expires before there is one."""
        left = (expires_at - self._clock.now()).total_seconds()
        try:
            async with asyncio.timeout(max(0.001, left)):
                return await attempt.after(-1 if seen is None else seen.version)
        except TimeoutError:
            raise PairingLinkGoneError from None

    async def _view(self, request: web.Request, state: PairingState) -> PairingView:
        _, session = await self._open(request)
        if state.phase == PairingPhase.CONNECTED:
            return linked_view(session)
        drawing = await self._artist.draw(state.qr) if state.qr else None
        text = state.qr if self._show_code_text else None
        return view_of(state, drawing, now=self._clock.now(), code_text=text)

    async def _picture(self, request: web.Request) -> web.Response:
        """The QR code for pages without scripts."""
        _, session = await self._open(request)
        state = await self._desk.qr(session)
        assert state.qr is not None, "a state that shows a code has one"
        drawing = await self._artist.draw(state.qr)
        return web.Response(text=drawing.svg(), content_type="image/svg+xml", headers={"Cache-Control": "no-store"})

    async def _code(self, request: web.Request) -> web.StreamResponse:
        """A code to type on the phone: JSON for our script, a page for plain forms."""
        self._visitors.demand_own_page(request)
        link, session = await self._open(request)
        phone = str((await request.post()).get("phone", ""))
        plain = "text/html" in request.headers.get("Accept", "")
        try:
            state = await self._desk.phone_code(session, _parse_phone(phone))
        except GatewayError as error:
            if not plain:
                raise
            return await self._page(request, link, session, status=error.status, phone=phone, problem=error.detail)
        except _PhoneRefusedError as error:
            if not plain:
                return web.json_response({"detail": str(error)}, status=422)
            return await self._page(request, link, session, status=422, phone=phone, problem=str(error))
        if plain:
            return await self._page(request, link, session, phone=phone, phone_code=state.phone_code)
        return web.json_response({"code": state.phone_code}, headers={"Cache-Control": "no-store"})

    async def _open(self, request: web.Request) -> tuple[PairingLink, Session]:
        token = request.match_info["token"]
        return await self._database.read(lambda tx: self._links.open(tx, token))


def _as_event(view: PairingView) -> bytes:
    return StreamEvent(data=msgspec.json.encode(view).decode(), event="state").frame


class _PhoneRefusedError(ValueError):
    """What was typed is no phone number."""


def _parse_phone(text: str) -> str:
    try:
        return _PHONE.validate_python(text)
    except ValidationError as error:
        sentence = str(error.errors()[0]["msg"]).removeprefix("Value error, ")
        raise _PhoneRefusedError(f"{sentence[:1].upper()}{sentence[1:]}.") from error
