"""The part of the sessions API that links phones: QR codes, phone codes and pairing links."""

from __future__ import annotations

from aiohttp import web

from gateway.api.answering import encode
from gateway.api.route import Answer, Call, route
from gateway.db.tx import Database, Tx
from gateway.fleet.attempt import PairingState
from gateway.fleet.links import PairingLinks
from gateway.fleet.models import Session
from gateway.fleet.negotiation import JSON_TYPE, PNG_TYPE, QR_TYPES, SVG_TYPE, best_type
from gateway.fleet.pairing import PairingDesk
from gateway.fleet.qr import QrArtist, QrDrawing
from gateway.fleet.schemas import PairCodeOut, PairCodeRequest, PairingLinkOut, PairingLinkRequest, QrOut
from gateway.fleet.service import Sessions
from gateway.kit.errors import NotAcceptableError
from gateway.kit.times import render_time

_TAG = "sessions"
_ONE = "/api/v1/sessions/{session}"
_SECRET = {"Cache-Control": "no-store"}


class PairingRoutes:
    """Every answer here is a secret for as long as it works."""

    def __init__(
        self,
        *,
        database: Database,
        sessions: Sessions,
        desk: PairingDesk,
        links: PairingLinks,
        artist: QrArtist,
        public_url: str | None,
        link_seconds: int,
    ) -> None:
        self._database = database
        self._sessions = sessions
        self._desk = desk
        self._links = links
        self._artist = artist
        self._public_url = public_url
        self._link_seconds = link_seconds

    @route(
        "GET",
        f"{_ONE}/qr",
        operation="sessions.qr",
        summary="Get a QR code that links a phone",
        tag=_TAG,
        gives=QrOut,
        content_types=QR_TYPES,
        errors=("session_not_found", "session_already_paired", "qr_not_ready", "not_acceptable"),
        description="JSON, PNG, SVG or text for a terminal, by `Accept`. Starts a pairing attempt if none is on and "
        "waits up to ten seconds for its first code. Fetch it again when it has expired; the attempt goes on for a "
        "minute after each request and ends when nobody asks any more.",
    )
    async def qr(self, call: Call) -> web.Response:
        wanted = best_type(call.request.headers.get("Accept", ""), QR_TYPES)
        if wanted is None:
            raise NotAcceptableError(f"The QR code comes as {', '.join(QR_TYPES)}.")
        session = await self._session(call)
        state = await self._desk.qr(session)
        assert state.qr is not None, "a state that shows a code has one"
        drawing = await self._artist.draw(state.qr)
        return web.Response(body=_picture(wanted, state, drawing), content_type=wanted, headers=_SECRET)

    @route(
        "POST",
        f"{_ONE}/pair-code",
        operation="sessions.pair_code",
        summary="Get a code to type on the phone",
        tag=_TAG,
        takes=PairCodeRequest,
        gives=PairCodeOut,
        errors=(
            "session_not_found",
            "session_already_paired",
            "pair_code_refused",
            "pair_code_too_soon",
            "wrong_phone",
        ),
        description="On the phone: Linked devices, Link a device, Link with phone number instead.",
    )
    async def pair_code(self, call: Call) -> Answer:
        body: PairCodeRequest = call.body
        state = await self._desk.phone_code(await self._session(call), body.phone)
        return Answer(body={"code": state.phone_code}, headers=_SECRET)

    @route(
        "POST",
        f"{_ONE}/pairing-links",
        operation="sessions.pairing_link",
        summary="Create a pairing link",
        tag=_TAG,
        takes=PairingLinkRequest,
        gives=PairingLinkOut,
        status=201,
        idempotent_key=True,
        errors=("session_not_found", "session_already_paired"),
        description="A page for the person who has the phone. It works until the phone is linked or the link expires.",
    )
    async def create_link(self, call: Call) -> Answer:
        body: PairingLinkRequest = call.body

        def work(tx: Tx) -> dict[str, object]:
            session = self._sessions.get(tx, call.caller, call.path["session"])
            self._sessions.demand_unpaired(session)
            seconds = body.valid_seconds or self._link_seconds
            link, token = self._links.create(tx, session, valid_seconds=seconds)
            expires_at = render_time(link.expires_at)
            call.remember(tx, Answer(body={"url": None, "expires_at": expires_at}))
            return {"url": self._url(call.request, token), "expires_at": expires_at}

        return Answer(body=await self._database.write(work), headers=_SECRET)

    @route(
        "DELETE",
        f"{_ONE}/pairing-links",
        operation="sessions.pairing_link_revoke",
        summary="Withdraw pairing links",
        tag=_TAG,
        errors=("session_not_found",),
        description="Every open link of the session stops working.",
    )
    async def void_links(self, call: Call) -> None:
        def work(tx: Tx) -> None:
            self._links.void(tx, self._sessions.get(tx, call.caller, call.path["session"]))

        await self._database.write(work)

    async def _session(self, call: Call) -> Session:
        return await self._database.read(lambda tx: self._sessions.get(tx, call.caller, call.path["session"]))

    def _url(self, request: web.Request, token: str) -> str:
        base = self._public_url or f"{request.scheme}://{request.host}"
        return f"{base.rstrip('/')}/pair/{token}"


def _picture(wanted: str, state: PairingState, drawing: QrDrawing) -> bytes:
    if wanted == PNG_TYPE:
        return drawing.png()
    if wanted == SVG_TYPE:
        return drawing.svg().encode()
    if wanted == JSON_TYPE:
        return encode(_qr_json(state, drawing))
    return drawing.text().encode()


def _qr_json(state: PairingState, drawing: QrDrawing) -> dict[str, object]:
    assert state.expires_at is not None, "a code on offer expires"
    return {
        "code": state.qr,
        "index": state.index,
        "valid_seconds": state.valid_seconds,
        "expires_at": render_time(state.expires_at),
        "svg": drawing.svg(),
    }
