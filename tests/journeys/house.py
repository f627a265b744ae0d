"""What a customer has: an API client that believes the documentation, phones, linked sessions, an endpoint of one's own."""

from __future__ import annotations

import asyncio
import io
import itertools
import json
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web
from standardwebhooks import Webhook

from gateway.sandbox.rig import Sandbox
from sessions.sandbox.control.client import SandboxClient
from tests.journeys.contract import PROBLEM_TYPE, Contract

_numbers = itertools.count(12025551000)
_LOOK_EVERY_SECONDS = 0.02


@dataclass(frozen=True)
class Answer:
    """What the gateway said: JSON as values, anything else as bytes, and None for nothing."""

    status: int
    headers: Any
    kind: str
    body: Any

    @property
    def code(self) -> str:
        return str(self.body["code"])


async def poll(look: Callable[[], Awaitable[Any]], *, timeout_seconds: float = 15.0) -> Any:
    """The first true value of ``look``."""
    seen: Any = None
    try:
        async with asyncio.timeout(timeout_seconds):
            while not (seen := await look()):
                await asyncio.sleep(_LOOK_EVERY_SECONDS)
    except TimeoutError:
        raise AssertionError(f"it never came to pass; last seen: {seen!r}") from None
    return seen


class Gateway:
    """Calls the API. Each answer is held against the OpenAPI document."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self.http = aiohttp.ClientSession()
        self.key = sandbox.rig.api_key
        self._contract: Contract | None = None

    @property
    def documented(self) -> Contract:
        """What the gateway's document promises, once it was called."""
        assert self._contract is not None, "call the API first"
        return self._contract

    @property
    def url(self) -> str:
        return self._sandbox.gateway_url

    async def ask(
        self, method: str, path: str, body: Any = None, *, headers: dict[str, str] | None = None, data: Any = None
    ) -> Answer:
        """One request, whatever comes of it. ``path`` begins with a slash, behind /api/v1."""
        if body is not None:
            data, headers = json.dumps(body).encode(), {"Content-Type": "application/json", **(headers or {})}
        signed = {"Authorization": f"Bearer {self.key}", "Accept": "application/json", **(headers or {})}
        full = f"/api/v1{path}"
        if isinstance(data, bytes):
            data = io.BytesIO(data)
        async with self.http.request(method, f"{self.url}{full}", data=data, headers=signed) as response:
            raw = await response.read()
            is_json = response.content_type in ("application/json", PROBLEM_TYPE)
            content: Any = json.loads(raw) if is_json else raw or None
            answer = Answer(response.status, response.headers, response.content_type, content)
        if method != "HEAD":
            await self._check(method, full, answer)
        return answer

    async def get(self, path: str, **headers: str) -> Any:
        return (await self._well("GET", path)).body

    async def post(self, path: str, body: Any = None, *, headers: dict[str, str] | None = None) -> Any:
        return (await self._well("POST", path, body, headers=headers)).body

    async def patch(self, path: str, body: Any) -> Any:
        return (await self._well("PATCH", path, body)).body

    async def put(self, path: str) -> Any:
        return (await self._well("PUT", path)).body

    async def delete(self, path: str) -> Any:
        return (await self._well("DELETE", path)).body

    async def upload(self, content: bytes, kind: str, filename: str | None = None) -> Any:
        query = f"?filename={filename}" if filename else ""
        return (await self._well("POST", f"/media{query}", data=content, headers={"Content-Type": kind})).body

    async def refused(
        self, status: int, code: str, method: str, path: str, body: Any = None, **more: Any
    ) -> dict[str, Any]:
        """The problem document of a request that must fail in this very way."""
        answer = await self.ask(method, path, body, **more)
        assert answer.status == status, f"{method} {path}: {answer.status} {answer.body}"
        assert answer.code == code, answer.body
        return dict(answer.body)

    async def until(self, path: str, wanted: Callable[[Any], bool], *, timeout_seconds: float = 15.0) -> Any:
        """The first answer that is ``wanted``; goes on asking while the gateway is down."""
        seen: Any = None

        async def look() -> Any:
            nonlocal seen
            try:
                seen = await self.get(path)
            except aiohttp.ClientError:
                return None
            return seen if wanted(seen) else None

        try:
            return await poll(look, timeout_seconds=timeout_seconds)
        except AssertionError as error:
            raise AssertionError(f"GET {path}: {error}; last: {json.dumps(seen)[:2000]}") from None

    async def all(self, path: str) -> list[Any]:
        """Every item of a list, page by page."""
        glue = "&" if "?" in path else "?"
        items: list[Any] = []
        following: str | None = ""
        while following is not None:
            page = await self.get(f"{path}{glue}limit=100" + (f"&after={following}" if following else ""))
            items += page["items"]
            following = page["next"]
        return items

    async def _well(self, method: str, path: str, body: Any = None, **more: Any) -> Answer:
        answer = await self.ask(method, path, body, **more)
        assert answer.status < 300, f"{method} {path}: {answer.status} {answer.body}"
        return answer

    async def _check(self, method: str, path: str, answer: Answer) -> None:
        if self._contract is None:
            async with self.http.get(f"{self.url}/openapi.json") as response:
                self._contract = Contract(await response.json())
        self._contract.check(method, path, status=answer.status, kind=answer.kind, body=answer.body)


@dataclass(frozen=True)
class Phone:
    """A virtual phone."""

    number: str
    name: str

    @property
    def e164(self) -> str:
        return f"+{self.number}"


class House:
    """One gateway with its phones."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.api = Gateway(sandbox)
        self.phones = SandboxClient(url=sandbox.rig.control)

    async def phone(self, name: str) -> Phone:
        """Switch on a phone."""
        phone = Phone(number=str(next(_numbers)), name=name)
        await self.phones.add_phone(phone.number, phone.name)
        return phone

    async def link(self, name: str, phone: Phone | None = None) -> Line:
        """A new session, linked to a phone and connected."""
        session = await self.api.post("/sessions", {"name": f"{name}-{secrets.token_hex(3)}"})
        line = Line(house=self, id=session["id"], name=session["name"], phone=phone or await self.phone(name))
        await line.scan()
        return line

    async def close(self) -> None:
        await self.api.http.close()
        await self.phones.close()


@dataclass(frozen=True)
class Line:
    """One session, and the phone that it is linked to."""

    house: House = field(repr=False)
    id: str
    name: str
    phone: Phone

    async def scan(self) -> None:
        """Link the phone by QR code."""
        code = (await self.house.api.get(f"/sessions/{self.id}/qr"))["code"]
        await self.house.phones.scan(self.phone.number, code)
        await self.becomes("connected")

    async def becomes(self, status: str, *, timeout_seconds: float = 20.0) -> Any:
        """The session, once it has this status."""
        path = f"/sessions/{self.id}"
        return await self.house.api.until(
            path, lambda session: bool(session["status"] == status), timeout_seconds=timeout_seconds
        )

    async def queue(self, to: str | Phone, body: str | None = None, **fields: Any) -> Any:
        """Ask for a message to be sent; the answer is the message as accepted."""
        recipient = to.e164 if isinstance(to, Phone) else to
        text = {"text": {"body": body}} if body is not None else {}
        return await self.house.api.post("/messages", {"session": self.id, "to": recipient, **text, **fields})

    async def send(self, to: str | Phone, body: str | None = None, *, state: str = "delivered", **fields: Any) -> Any:
        """Send a message and wait until it is in this state."""
        queued = await self.queue(to, body, **fields)
        return await self.follow(queued["id"], state)

    async def follow(self, message_id: str, state: str, *, timeout_seconds: float = 15.0) -> Any:
        """The message, once it is in this state."""
        return await self.house.api.until(
            f"/messages/{message_id}", lambda found: bool(found["state"] == state), timeout_seconds=timeout_seconds
        )

    async def received(self, count: int = 1) -> list[Any]:
        """What arrived, oldest first, once it is this much."""
        path = f"/messages?session={self.id}&direction=in&limit=200"
        page = await self.house.api.until(path, lambda page: len(page["items"]) >= count)
        assert len(page["items"]) == count, page
        return list(reversed(page["items"]))


@dataclass(frozen=True)
class Call:
    """One request to the endpoint."""

    headers: dict[str, str]
    raw: bytes

    @property
    def event(self) -> dict[str, Any]:
        return dict(json.loads(self.raw))


class Receiver:
    """An endpoint for webhooks. ``answers`` are the statuses to give, one after the other; then it is 204 for ever."""

    verify_token = "tell it to nobody"

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.answers: list[int] = []
        self.headers: dict[str, str] = {}
        self.open = asyncio.Event()
        self.open.set()
        self.url = ""
        app = web.Application()
        app.router.add_post("/hook", self._take)
        app.router.add_get("/hook", self._prove)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)

    async def start(self) -> None:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/hook"

    async def stop(self) -> None:
        self.open.set()
        await self._runner.cleanup()

    async def saw(self, wanted: Callable[[dict[str, Any]], bool], *, timeout_seconds: float = 15.0) -> Call:
        """The first call whose event is ``wanted``."""

        async def look() -> Call | None:
            return next((call for call in self.calls if wanted(call.event)), None)

        found: Call = await poll(look, timeout_seconds=timeout_seconds)
        return found

    def verify(self, secret: str) -> None:
        """Fail unless every call is signed with this secret."""
        for call in self.calls:
            Webhook(secret).verify(call.raw, call.headers)

    async def _prove(self, request: web.Request) -> web.Response:
        """As receivers written for Meta answer the challenge."""
        if request.query.get("hub.verify_token") != self.verify_token:
            return web.Response(status=403)
        return web.Response(text=request.query["hub.challenge"])

    async def _take(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.calls.append(Call(headers=headers, raw=await request.read()))
        await self.open.wait()
        status = self.answers.pop(0) if self.answers else 204
        return web.Response(status=status, headers=self.headers if status >= 400 else {})
