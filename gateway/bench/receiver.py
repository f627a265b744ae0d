"""A webhook receiver that notes when each event arrived."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Self

from aiohttp import web


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
