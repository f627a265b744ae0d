"""The media host: takes encrypted files and profile pictures, keeps them on disk and gives them out again."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import secrets
import time
from pathlib import Path

from aiohttp import web

from sessions.sandbox.crypto.keys import authenticate

HOSTNAME = "mmg.whatsapp.net"
AUTH_SECONDS = 6 * 3600
LARGEST_FILE = 512 * 1024 * 1024
_LINK_SECONDS = 30 * 24 * 3600
_NAME = re.compile(r"[0-9a-f]{24,32}")
_SECRET_BYTES = 32


class MediaMissingError(LookupError):
    """Nothing is kept under that path."""


class MediaHost:
    """Files by random names in one folder. It sees cipher text only; what opens it travels in messages."""

    def __init__(self, *, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._secret = _secret_of(folder)

    def routes(self) -> list[web.RouteDef]:
        """What the host answers under the names `mmg.whatsapp.net` and `pps.whatsapp.net`."""
        return [
            web.post("/mms/{type}/{token}", self._upload),
            web.post("/{prefix}/mms/{type}/{token}", self._upload),
            web.delete("/mms/{type}/{token}", self._forget),
            web.get("/v/{name}", self._download),
            web.get("/pp/{name}", self._download),
        ]

    def issue_auth(self) -> str:
        """A token for uploads, valid for :data:`AUTH_SECONDS` and over restarts."""
        expires = str(int(time.time()) + AUTH_SECONDS)
        return f"{expires}-{self._sign(expires)}"

    def keep(self, body: bytes) -> str:
        """Keep an encrypted file; return its direct path."""
        name = secrets.token_hex(16)
        (self._folder / name).write_bytes(body)
        return _direct_path(name)

    def open(self, direct_path: str) -> bytes:
        """The file under a direct path."""
        return self._file(direct_path.partition("?")[0].rpartition("/")[2]).read_bytes()

    def put_picture(self, name: str, jpeg: bytes) -> None:
        """Keep a profile picture, which is not encrypted, under `/pp/{name}`."""
        if not _NAME.fullmatch(name):
            raise ValueError("not a name for a picture")
        (self._folder / name).write_bytes(jpeg)

    async def _upload(self, request: web.Request) -> web.Response:
        if not self._is_authentic(request.query.get("auth", "")):
            return web.json_response({"error": "unauthorized"}, status=401)
        name = secrets.token_hex(16)
        digest, size = await self._receive(request, self._folder / name)
        if size > LARGEST_FILE or not _names(request.match_info["token"], digest):
            (self._folder / name).unlink()
            status = 413 if size > LARGEST_FILE else 400
            return web.json_response({"error": "too large" if status == 413 else "hash mismatch"}, status=status)
        path = _direct_path(name)
        url = f"https://{HOSTNAME}{path}&mms3=true"
        return web.json_response({"url": url, "direct_path": path, "handle": name, "object_id": name})

    async def _receive(self, request: web.Request, path: Path) -> tuple[bytes, int]:
        digest, size = hashlib.sha256(), 0
        with path.open("wb") as file:
            async for chunk in request.content.iter_chunked(256 * 1024):
                size += len(chunk)
                if size > LARGEST_FILE:
                    break
                digest.update(chunk)
                file.write(chunk)
        return digest.digest(), size

    async def _download(self, request: web.Request) -> web.StreamResponse:
        try:
            path = self._file(request.match_info["name"])
        except MediaMissingError:
            return web.Response(status=404)
        return web.FileResponse(path, headers={"Content-Type": "application/octet-stream"})

    async def _forget(self, request: web.Request) -> web.Response:
        # Clients delete history files once they have read them, by the name that the upload gave.
        if not self._is_authentic(request.query.get("auth", "")):
            return web.json_response({"error": "unauthorized"}, status=401)
        return web.json_response({"status": "ok"})

    def _file(self, name: str) -> Path:
        path = self._folder / name
        if not _NAME.fullmatch(name) or not path.is_file():
            raise MediaMissingError("no such file on the media host")
        return path

    def _is_authentic(self, token: str) -> bool:
        expires, _, signature = token.partition("-")
        fresh = expires.isdecimal() and int(expires) > time.time()
        return hmac.compare_digest(signature, self._sign(expires)) and fresh

    def _sign(self, text: str) -> str:
        return authenticate(self._secret, text.encode()).hex()


def _direct_path(name: str) -> str:
    expires = int(time.time()) + _LINK_SECONDS
    return f"/v/{name}?ccb=11-4&oh=01&oe={expires:x}"


def _names(token: str, digest: bytes) -> bool:
    """Whether the upload's token is the hash of what was uploaded, as base64 for URLs with or without padding."""
    return token.rstrip("=") == base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _secret_of(folder: Path) -> bytes:
    path = folder / "auth.secret"
    if not path.exists():
        temporary = folder / f"auth.{secrets.token_hex(4)}"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(_SECRET_BYTES))
        temporary.rename(path)
    return path.read_bytes()
