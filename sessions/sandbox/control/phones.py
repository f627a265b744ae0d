"""The control API's phones: everything that a person does with one, and what it shows."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, field_validator

from sessions.sandbox.control.bodies import read_body
from sessions.sandbox.control.problems import RequestError
from sessions.sandbox.faults.kinds import phone_digits
from sessions.sandbox.phones.inbox import Typing
from sessions.sandbox.phones.log import Entry
from sessions.sandbox.phones.phone import Phone
from sessions.sandbox.phones.phones import Phones
from sessions.sandbox.phones.shown import Json
from sessions.sandbox.phones.writing import OutgoingMessage
from sessions.sandbox.service import Service
from sessions.sandbox.state.directory import Device

PREFIX = "/sandbox/v1"
MOST_MESSAGES = 100_000
LARGEST_PICTURE = 5 * 1024 * 1024


class _Input(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NewPhone(_Input):
    """A phone to switch on."""

    number: str
    name: str | None = Field(default=None, min_length=1, max_length=25)

    @field_validator("number")
    @classmethod
    def _digits(cls, number: str) -> str:
        return phone_digits(number)


class Scan(_Input):
    """The text of a QR code."""

    qr: str = Field(min_length=1, max_length=4096)


class Link(_Input):
    """The characters that another device shows."""

    code: str = Field(min_length=8, max_length=20)


class Unlink(_Input):
    """Which linked device; all without one."""

    index: int | None = Field(default=None, ge=1)


class Read(_Input):
    """Which messages; without ids everything new."""

    ids: list[str] | None = Field(default=None, max_length=MOST_MESSAGES)


class TypingTo(_Input):
    """Whom to show it; without a number the newest chat."""

    to: str | None = None
    state: Typing = Typing.COMPOSING


class Presence(_Input):
    """Whether WhatsApp is open on the phone."""

    available: bool


class PageQuery(_Input):
    """Which messages of a phone."""

    limit: int = Field(default=100, ge=1, le=MOST_MESSAGES)
    after: int = Field(default=0, ge=0)
    sent: bool = False  #: also what the phone itself sent


class NothingToTypeError(RequestError):
    """The phone has no chat yet; say whom to show it."""


class PhoneControl:
    """Handlers under ``/phones``."""

    def __init__(self, *, phones: Phones, service: Service) -> None:
        self._phones = phones
        self._service = service

    def routes(self) -> list[web.RouteDef]:
        """What is answered here."""
        phone = f"{PREFIX}/phones/{{number}}"
        return [
            web.get(f"{PREFIX}/phones", self._list),
            web.post(f"{PREFIX}/phones", self._add),
            web.get(phone, self._show),
            web.post(f"{phone}/scan", self._scan),
            web.post(f"{phone}/link", self._link),
            web.post(f"{phone}/unlink", self._unlink),
            web.get(f"{phone}/messages", self._messages),
            web.post(f"{phone}/messages", self._send),
            web.get(f"{phone}/media/{{sequence:[0-9]+}}", self._media),
            web.post(f"{phone}/read", self._read),
            web.post(f"{phone}/played", self._played),
            web.post(f"{phone}/typing", self._type),
            web.post(f"{phone}/presence", self._presence),
            web.put(f"{phone}/picture", self._picture),
        ]

    async def _list(self, request: web.Request) -> web.Response:
        return web.json_response({"items": [self.describe(phone) for phone in self._phones]})

    async def _add(self, request: web.Request) -> web.Response:
        wanted = await read_body(request, NewPhone)
        phone = await self._phones.add(wanted.number, wanted.name)
        return web.json_response(self.describe(phone), status=201)

    async def _show(self, request: web.Request) -> web.Response:
        return web.json_response(self.describe(self._phone(request)))

    async def _scan(self, request: web.Request) -> web.Response:
        scan = await read_body(request, Scan)
        device = await self._phone(request).scan(scan.qr)
        return web.json_response({"device": self._device(device)})

    async def _link(self, request: web.Request) -> web.Response:
        link = await read_body(request, Link)
        device = await self._phone(request).enter_code(link.code)
        return web.json_response({"device": self._device(device)})

    async def _unlink(self, request: web.Request) -> web.Response:
        chosen = await read_body(request, Unlink)
        return web.json_response({"unlinked": await self._phone(request).unlink(chosen.index)})

    async def _messages(self, request: web.Request) -> web.Response:
        phone, query = self._phone(request), PageQuery.model_validate(dict(request.query))
        entries = phone.log.newest(query.limit) if query.sent else phone.log.reached(query.limit)
        items = [_entry_json(phone, entry) for entry in entries if entry.sequence > query.after]
        return web.json_response({"items": items})

    async def _send(self, request: web.Request) -> web.Response:
        message = await read_body(request, OutgoingMessage)
        phone = self._phone(request)
        return web.json_response(_entry_json(phone, await phone.send(message)), status=201)

    async def _media(self, request: web.Request) -> web.Response:
        data, entry = await self._phone(request).file_of(int(request.match_info["sequence"]))
        assert entry.file is not None
        # Shown as what it is only where that cannot run as a page of this origin.
        kind = entry.file.mimetype.partition(";")[0].strip()
        shown = kind if kind.startswith(("image/", "audio/", "video/")) and "svg" not in kind else None
        response = web.Response(body=data, content_type=shown or "application/octet-stream")
        if shown is None:
            response.headers["Content-Disposition"] = "attachment"
        return response

    async def _read(self, request: web.Request) -> web.Response:
        chosen = await read_body(request, Read)
        return web.json_response({"ids": await self._phone(request).mark_read(chosen.ids)})

    async def _played(self, request: web.Request) -> web.Response:
        chosen = await read_body(request, Read)
        return web.json_response({"ids": await self._phone(request).mark_read(chosen.ids, played=True)})

    async def _type(self, request: web.Request) -> web.Response:
        typing, phone = await read_body(request, TypingTo), self._phone(request)
        newest = phone.log.newest(1)
        if typing.to is None and not newest:
            raise NothingToTypeError
        to = typing.to or newest[0].chat
        await phone.type_to(to, typing.state)
        return web.json_response({"to": to, "state": typing.state.value})

    async def _presence(self, request: web.Request) -> web.Response:
        presence = await read_body(request, Presence)
        await self._phone(request).set_available(presence.available)
        return web.json_response({"available": presence.available})

    async def _picture(self, request: web.Request) -> web.Response:
        jpeg = await request.read()
        if len(jpeg) > LARGEST_PICTURE:
            raise web.HTTPRequestEntityTooLarge(LARGEST_PICTURE, len(jpeg))
        await self._service.set_picture(self._phone(request).account, jpeg)
        return web.json_response({"size": len(jpeg)})

    def _phone(self, request: web.Request) -> Phone:
        return self._phones.get(request.match_info["number"])

    def describe(self, phone: Phone) -> dict[str, Json]:
        """A phone as JSON."""
        account = phone.account
        return {
            "number": account.number,
            "name": account.name,
            "lid": account.lid.user,
            "unread": len(phone.log.unread(None)),
            "linked": [self._device(device) for device in account.companions],
        }

    def _device(self, device: Device) -> dict[str, Json]:
        return {
            "index": device.index,
            "online": self._service.delivery.endpoint(device) is not None,
            "platform": device.record.platform,
            "linked_at": device.record.linked_at,
            "waiting": self._service.delivery.waiting(device),
        }


def _entry_json(phone: Phone, entry: Entry) -> dict[str, Any]:
    return entry.as_json(f"{PREFIX}/phones/{phone.account.number}/media/{entry.sequence}")
