"""The control API's frames: what no client should ever be sent, for tests of how a client stands it."""

from __future__ import annotations

import base64
from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from sessions.sandbox.control.bodies import read_body
from sessions.sandbox.control.phones import PREFIX
from sessions.sandbox.faults.kinds import Base64
from sessions.sandbox.loopback import LoopbackWhatsApp

MOST_AT_ONCE = 1000
_Many = Annotated[list[Base64], Field(min_length=1, max_length=MOST_AT_ONCE)]


class _Input(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Frames(_Input):
    """What to send, each a stanza in WhatsApp's binary XML as it is before the connection encrypts it, or no stanza."""

    frames: _Many


class ToSeal(_Input):
    """Whose linked devices are to be able to read these bytes."""

    to: str
    contents: _Many


class FrameControl:
    """Handlers about single frames."""

    def __init__(self, *, whatsapp: LoopbackWhatsApp) -> None:
        self._whatsapp = whatsapp

    def routes(self) -> list[web.RouteDef]:
        """What is answered here."""
        phone = f"{PREFIX}/phones/{{number}}"
        return [web.post(f"{phone}/frames", self._send), web.post(f"{phone}/seal", self._seal)]

    async def _send(self, request: web.Request) -> web.Response:
        wanted, phone = await read_body(request, Frames), self._whatsapp.phones.get(request.match_info["number"])
        frames = [frame.data for frame in wanted.frames]
        return web.json_response({"devices": self._whatsapp.server.send_frames(phone.account, frames)})

    async def _seal(self, request: web.Request) -> web.Response:
        wanted, phone = await read_body(request, ToSeal), self._whatsapp.phones.get(request.match_info["number"])
        sealed = await phone.seal(wanted.to, [content.data for content in wanted.contents])
        items = [
            {"to": str(device.lid), "type": enc.text("type"), "base64": base64.b64encode(enc.data).decode()}
            for device, enc in sealed
        ]
        return web.json_response({"items": items})
