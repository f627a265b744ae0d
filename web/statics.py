"""Style sheets, scripts and pictures, served under an address that changes with them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from aiohttp import web

_FOLDER = Path(__file__).parent / "static"
_TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
_FOR_EVER = "public, max-age=31536000, immutable"


class Statics:
    """All files under one hash of them all, so that browsers may keep them for ever and relative imports work."""

    def __init__(self, *, folder: Path = _FOLDER) -> None:
        self._files = {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.suffix in _TYPES}
        digest = hashlib.sha256()
        for name, content in self._files.items():
            digest.update(name.encode() + b"\0" + content + b"\0")
        self._version = digest.hexdigest()[:12]

    def url(self, name: str) -> str:
        """The address of a file; raises KeyError for one that is not there."""
        if name not in self._files:
            raise KeyError(f"there is no static file {name}")
        return f"/static/{self._version}/{name}"

    def routes(self) -> Sequence[web.RouteDef]:
        return [web.get("/static/{version}/{name}", self._serve), web.get("/favicon.ico", self._favicon)]

    async def _serve(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        content = self._files.get(name)
        if content is None:
            raise web.HTTPNotFound
        current = request.match_info["version"] == self._version
        return web.Response(
            body=content,
            content_type=_TYPES[Path(name).suffix],
            charset="utf-8",
            headers={"Cache-Control": _FOR_EVER if current else "no-cache"},
        )

    async def _favicon(self, request: web.Request) -> web.Response:
        raise web.HTTPFound(self.url("mark.svg"))
