"""The control API and the page of the virtual phones, on a loopback port of their own."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from aiohttp import web
from aiohttp_sse import sse_response

from sessions.sandbox.control.account import AccountControl
from sessions.sandbox.control.frames import FrameControl
from sessions.sandbox.control.groups import GroupControl
from sessions.sandbox.control.guard import guard, harden
from sessions.sandbox.control.phones import PREFIX, PhoneControl
from sessions.sandbox.control.problems import MalformedError, problems
from sessions.sandbox.faults.faults import ActiveFault, FaultBook
from sessions.sandbox.faults.kinds import parse_fault
from sessions.sandbox.loopback import LoopbackWhatsApp
from sessions.sandbox.phones.shown import Json
from sessions.sandbox.server import LOOPBACK

_PAGE = Path(__file__).parent / "page"
_LARGEST_BODY = 128 * 1024 * 1024
_LONGEST_SILENCE_SECONDS = 5


class Control:
    """Listens on loopback; has no key, and therefore refuses other web pages."""

    def __init__(self, *, whatsapp: LoopbackWhatsApp) -> None:
        self._whatsapp = whatsapp
        self._phones = PhoneControl(phones=whatsapp.phones, service=whatsapp.service)
        self._groups = GroupControl(phones=whatsapp.phones)
        self._accounts = AccountControl(phones=whatsapp.phones, service=whatsapp.service)
        self._faults = FaultControl(faults=whatsapp.faults)
        self._frames = FrameControl(whatsapp=whatsapp)
        # The guard's refusals are problems too, so the problems come first.
        app = web.Application(middlewares=[problems, guard], client_max_size=_LARGEST_BODY)
        app.on_response_prepare.append(harden)
        parts = (self._phones, self._groups, self._accounts, self._faults, self._frames)
        app.add_routes([*(made for part in parts for made in part.routes()), *self._routes()])
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=2.0)
        self._site: web.TCPSite | None = None
        self._port = 0

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{LOOPBACK}:{self._port}"

    async def start(self, port: int = 0) -> None:
        """Listen; port 0 stands for any that is free."""
        await self._runner.setup()
        self._site = web.TCPSite(self._runner, LOOPBACK, port)
        await self._site.start()
        self._port = int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Stop listening, and end the streams of news that would hold this up."""
        self._whatsapp.phones.end_news()
        await self._runner.cleanup()

    def _routes(self) -> list[web.AbstractRouteDef]:
        return [
            web.get(f"{PREFIX}/state", self._state),
            web.get(f"{PREFIX}/unknown", self._unknown),
            web.get(f"{PREFIX}/events", self._events),
            web.get("/", self._index),
            web.static("/page", _PAGE),
        ]

    async def _index(self, request: web.Request) -> web.FileResponse:
        return web.FileResponse(_PAGE / "index.html")

    async def _state(self, request: web.Request) -> web.Response:
        return web.json_response(
            {
                "proxy": self._whatsapp.proxy_url,
                "ca_file": str(self._whatsapp.ca_file),
                "root_key": self._whatsapp.root_key.hex(),
                "phones": [self._phones.describe(phone) for phone in self._whatsapp.phones],
                "faults": [describe_fault(one) for one in self._whatsapp.faults.active()],
                "unknown": len(self._whatsapp.service.unknown_iqs),
                "failures": self._whatsapp.service.failures,
            }
        )

    async def _unknown(self, request: web.Request) -> web.Response:
        service = self._whatsapp.service
        return web.json_response({"items": list(service.unknown_iqs), "failures": service.failures})

    async def _events(self, request: web.Request) -> web.StreamResponse:
        with self._whatsapp.phones.news() as news:
            async with sse_response(request) as stream:
                await stream.send("{}", event="ready")
                while stream.is_connected():
                    try:
                        async with asyncio.timeout(_LONGEST_SILENCE_SECONDS):
                            event = await news.get()
                    except TimeoutError:
                        continue  # a chance to notice that nobody listens any more
                    if event is None:
                        break
                    await stream.send(json.dumps({"number": event.number, **event.details}), event=event.kind)
        return stream


class FaultControl:
    """Handlers under ``/faults``."""

    def __init__(self, *, faults: FaultBook) -> None:
        self._faults = faults

    def routes(self) -> list[web.RouteDef]:
        """What is answered here."""
        return [
            web.get(f"{PREFIX}/faults", self._list),
            web.post(f"{PREFIX}/faults", self._inject),
            web.delete(f"{PREFIX}/faults", self._clear),
            web.delete(f"{PREFIX}/faults/{{id:[0-9]+}}", self._clear),
        ]

    async def _list(self, request: web.Request) -> web.Response:
        return web.json_response({"items": [describe_fault(one) for one in self._faults.active()]})

    async def _inject(self, request: web.Request) -> web.Response:
        try:
            body = await request.json()
        except ValueError as error:
            raise MalformedError from error
        entry = await self._faults.inject(parse_fault(body))
        return web.json_response(describe_fault(entry), status=201)

    async def _clear(self, request: web.Request) -> web.Response:
        chosen = request.match_info.get("id")
        return web.json_response({"cleared": self._faults.clear(int(chosen) if chosen else None)})


def describe_fault(entry: ActiveFault) -> dict[str, Json]:
    """A fault as JSON."""
    known = entry.fault.model_dump(mode="json", exclude_none=True, exclude={"stanza"})
    return {**known, "id": entry.id, "left": entry.left}
