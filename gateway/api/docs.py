"""``/openapi.json`` and ``/docs``: the API explorer, from local files under a strict content security policy."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from aiohttp import web

from gateway.api.openapi import DocumentedEvent, build_document
from gateway.api.problems import ProblemShape

_ASSETS: Final = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "favicon-32x32.png": "image/png",
}
#: Swagger UI sets style attributes and draws its icons from data addresses; it needs nothing else from elsewhere.
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGE: Final = """\
<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>wagate API</title>
    <link rel="icon" href="/docs/favicon-32x32.png">
    <link rel="stylesheet" href="/docs/swagger-ui.css">
    <script src="/docs/swagger-ui-bundle.js" defer></script>
    <script src="/docs/start.js" defer></script>
  </head>
  <body>
    <div id="docs"></div>
    <noscript>The explorer needs JavaScript. The plain document is at <a href="/openapi.json">/openapi.json</a>.</noscript>
  </body>
</html>
"""
_START: Final = """\
SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#docs",
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  persistAuthorization: false,
  tryItOutEnabled: true,
  validatorUrl: null,
});
"""


class Docs:
    """Serves the document and the explorer. The document is made once, at the first request."""

    def __init__(
        self,
        *,
        tables: Sequence[object],
        events: Sequence[DocumentedEvent],
        version: str,
        problem_shapes: Sequence[ProblemShape] = (),
    ) -> None:
        self._tables = tables
        self._events = events
        self._version = version
        self._problem_shapes = problem_shapes
        self._document: bytes | None = None
        self._folder = _assets_folder()

    def install(self, app: web.Application) -> None:
        """Add the addresses to an application."""
        app.router.add_get("/openapi.json", self.document)
        app.router.add_get("/docs", self.page)
        app.router.add_get("/docs/start.js", self.start)
        app.router.add_get("/docs/{asset}", self.asset)

    async def document(self, _: web.Request) -> web.Response:
        """The OpenAPI document."""
        if self._document is None:
            document = build_document(
                tables=self._tables,
                events=self._events,
                version=self._version,
                problem_shapes=self._problem_shapes,
            )
            self._document = json.dumps(document, ensure_ascii=False).encode()
        return web.Response(body=self._document, content_type="application/json", charset="utf-8")

    async def page(self, _: web.Request) -> web.Response:
        """The explorer."""
        return web.Response(text=_PAGE, content_type="text/html", headers={"Content-Security-Policy": _POLICY})

    async def start(self, _: web.Request) -> web.Response:
        """The script that starts the explorer."""
        return web.Response(text=_START, content_type="text/javascript")

    async def asset(self, request: web.Request) -> web.StreamResponse:
        """One of the explorer's files."""
        name = request.match_info["asset"]
        if name not in _ASSETS:
            raise web.HTTPNotFound
        headers = {"Content-Type": _ASSETS[name], "Cache-Control": "public, max-age=86400"}
        return web.FileResponse(self._folder / name, headers=headers)


def _assets_folder() -> Path:
    """The files that swagger-ui-py brings; its own code is never imported."""
    found = importlib.util.find_spec("swagger_ui")
    if found is None or found.origin is None:
        raise RuntimeError("swagger-ui-py is not installed")
    return Path(found.origin).parent / "static"
