"""A plain client of the two HTTP interfaces, as an integrator would write it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Self

import aiohttp

from gateway.sandbox.rig import Rig

Json = dict[str, Any]


class BenchError(RuntimeError):
    """A measurement could not be made; says which call answered what."""


class Client:
    """Speaks to the gateway with an API key and to the virtual phones through the control API."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.close()

    async def api(self, method: str, path: str, body: Json | None = None) -> Json:
        """Call the gateway; ``path`` starts after ``/api/v1``."""
        headers = {"Authorization": f"Bearer {self._rig.api_key}", "Accept": "application/json"}
        return await self._ask(method, f"{self._rig.gateway}/api/v1{path}", body, headers)

    async def control(self, method: str, path: str, body: Json | None = None) -> Json:
        """Call the control API; ``path`` starts after ``/sandbox/v1``."""
        base = self._rig.control.rstrip("/").removesuffix("/sandbox/v1")
        return await self._ask(method, f"{base}/sandbox/v1{path}", body, {})

    async def _ask(self, method: str, url: str, body: Json | None, headers: dict[str, str]) -> Json:
        async with self._http.request(method, url, json=body, headers=headers) as answer:
            text = await answer.text()
            if answer.status >= 400:
                raise BenchError(f"{method} {url.partition('/v1')[2]} answered {answer.status}: {text[:300]}")
            return await answer.json() if text else {}

    async def qr(self, session: str) -> str:
        """The text of the QR code on offer."""
        return str((await self.api("GET", f"/sessions/{session}/qr"))["code"])

    async def until_status(self, session: str, wanted: str, *, timeout_seconds: float = 60.0) -> Json:
        """Ask for the session until it has the wanted status. For preparations: it is a load while it lasts."""

        async def look() -> Json | None:
            found = await self.api("GET", f"/sessions/{session}")
            return found if found["status"] == wanted else None

        return await until(look, what=f"session {wanted}", timeout_seconds=timeout_seconds)

    async def link(self, session: str, number: str) -> None:
        """Show a QR code and scan it with a virtual phone."""
        code = await self.qr(session)
        await self.control("POST", f"/phones/{number}/scan", {"qr": code})


async def until(
    look: Callable[[], Awaitable[Json | None]], *, what: str, timeout_seconds: float, every_seconds: float = 0.02
) -> Json:
    """The first answer of ``look`` that is not None."""
    deadline = time.perf_counter() + timeout_seconds
    while time.perf_counter() < deadline:
        found = await look()
        if found is not None:
            return found
        await asyncio.sleep(every_seconds)
    raise BenchError(f"no {what} within {timeout_seconds:.0f} s")
