"""The start page: what this is, the way in, and a quick start with the address of this very gateway."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from web.pages import Renderer
from web.visitor import Visitors


class HomePages:
    """``/``."""

    def __init__(
        self, *, renderer: Renderer, visitors: Visitors, public_url: str | None, sandbox: bool = False
    ) -> None:
        self._renderer = renderer
        self._visitors = visitors
        self._public_url = public_url
        self._sandbox = sandbox

    def routes(self) -> Sequence[web.RouteDef]:
        return [web.get("/", self._show)]

    async def _show(self, request: web.Request) -> web.Response:
        return self._renderer.page(
            "home.html",
            principal=await self._visitors.find(request),
            address=(self._public_url or f"{request.scheme}://{request.host}").rstrip("/"),
            sandbox=self._sandbox,
        )
