"""A webhook receiver that notes when each event arrived, and what it learns from them about sessions."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from typing import Any, Self

from aiohttp import web

from gateway.bench.client import BenchError, Client


class Receiver:
    """Listens on loopback and answers 204 to everything; arrivals are (time, event)."""

    def __init__(self) -> None:
        self.arrivals: asyncio.Queue[tuple[float, dict[str, Any]]] = asyncio.Queue()
        app = web.Application()
        app.router.add_post("/", self._take)
        self._runner = web.AppRunner(app, access_log=None)
        self.url = ""

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        arrived = time.perf_counter()
        self.arrivals.put_nowait((arrived, await request.json()))
        return web.Response(status=204)


class Connections:
    """Hears from the webhook when sessions connect. Asking for it again and again would be a load of its own."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._since: dict[str, str] = {}

    async def subscribe(self, client: Client) -> None:
        """Have the gateway tell; call it before the first session is linked."""
        await client.api("POST", "/webhooks", {"url": self._receiver.url, "events": ["session.status"]})

    async def until(self, names: Iterable[str], *, timeout_seconds: float = 60.0) -> float:
        """When the last of these sessions had a connection that was not heard of before."""
        missing, last = set(names), 0.0
        try:
            async with asyncio.timeout(timeout_seconds):
                while missing:
                    last, name = await self._next()
                    missing.discard(name)
        except TimeoutError as error:
            raise BenchError(f"{len(missing)} sessions did not connect within {timeout_seconds:.0f} s") from error
        return last

    async def until_any(self, *, timeout_seconds: float = 60.0) -> float:
        """When the next session has a new connection."""
        try:
            async with asyncio.timeout(timeout_seconds):
                return (await self._next())[0]
        except TimeoutError as error:
            raise BenchError(f"no session came back within {timeout_seconds:.0f} s") from error

    async def _next(self) -> tuple[float, str]:
        while True:
            arrived, event = await self._receiver.arrivals.get()
            session = event["data"]
            name, since = str(session["name"]), session["connected_at"]
            if session["status"] == "connected" and self._since.get(name) != since:
                self._since[name] = since
                return arrived, name
