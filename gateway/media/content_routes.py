"""Gives out the bytes of files: to callers with a key, and to whoever has a signed link."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Final
from urllib.parse import quote

from aiohttp import web

from gateway.api.fields import id_in_path
from gateway.api.route import Call, route
from gateway.db.tx import Database
from gateway.kit.clock import Clock
from gateway.kit.errors import NotFoundError
from gateway.kit.times import render_time
from gateway.media.errors import MediaStoreError
from gateway.media.library import MediaLibrary
from gateway.media.links import MediaLinks
from gateway.media.models import Media
from gateway.media.ranges import NoSuchRangeError, read_range
from gateway.media.schemas import LinkOut, LinkQuery
from gateway.media.shelf import FileKey
from gateway.media.sniff import UNKNOWN, is_active

_ONE: Final = "/api/v1/media/{id}"
_DAY_SECONDS: Final = 86_400


class MediaContentRoutes:
    """``/api/v1/media/{id}/...`` and ``/media/{token}``."""

    def __init__(
        self, *, database: Database, library: MediaLibrary, links: MediaLinks, clock: Clock, public_url: str | None
    ) -> None:
        self._database = database
        self._library = library
        self._links = links
        self._clock = clock
        self._public_url = public_url

    @route(
        "GET",
        f"{_ONE}/content",
        operation="media.download",
        summary="The bytes of a file",
        tag="media",
        scope="media.read",
        content_types=("*/*",),
        description="Always as an attachment, in whole or by `Range`. Types that a browser might run, such as HTML and "
        "SVG, come as application/octet-stream.",
        errors=("media_not_found", "media_store_unavailable"),
    )
    async def content(self, call: Call) -> web.StreamResponse:
        media = await self._find(call.caller.org_id, _media_id(call))
        return await self._give(call.request, media, cache_seconds=_DAY_SECONDS)

    @route(
        "GET",
        f"{_ONE}/thumbnail",
        operation="media.thumbnail",
        summary="A small picture of an image or a film, as JPEG",
        tag="media",
        scope="media.read",
        content_types=("image/jpeg",),
        errors=("media_not_found", "media_no_thumbnail"),
    )
    async def thumbnail(self, call: Call) -> web.StreamResponse:
        media = await self._find(call.caller.org_id, _media_id(call))
        if media.thumbnail is None:
            raise NotFoundError("There is no small picture of this file.", code="media_no_thumbnail")
        return web.Response(
            body=media.thumbnail,
            content_type="image/jpeg",
            headers=_inert_headers(f"{media.sha256[:12]}.jpg", _DAY_SECONDS),
        )

    @route(
        "GET",
        f"{_ONE}/link",
        operation="media.link",
        summary="Make a link to a file that works without a key",
        tag="media",
        description="For as long as `expires_in` says. Whoever has the link can read the file; it cannot be called back "
        "but by deleting the file.",
        query=LinkQuery,
        gives=LinkOut,
        errors=("media_not_found",),
    )
    async def link(self, call: Call) -> dict[str, object]:
        media = await self._find(call.caller.org_id, _media_id(call))
        expires_at = self._clock.now().replace(microsecond=0) + timedelta(seconds=call.query.expires_in)
        token = self._links.make(org_id=media.org_id, media_id=media.id, expires_at=expires_at)
        base = self._public_url or f"{call.request.scheme}://{call.request.host}"
        return {"url": f"{base.rstrip('/')}/media/{token}", "expires_at": render_time(expires_at)}

    @route(
        "GET",
        "/media/{token}",
        operation="media.linked",
        summary="The bytes of a file, by a signed link",
        tag="media",
        public=True,
        content_types=("*/*",),
        description="Needs no key; the link itself is the proof. As an attachment, in whole or by `Range`.",
        errors=("media_not_found", "media_link_expired", "media_store_unavailable"),
    )
    async def linked(self, call: Call) -> web.StreamResponse:
        claim = self._links.read(call.path["token"])
        media = await self._find(claim.org_id, claim.media_id)
        left = int((claim.expires_at - self._clock.now()).total_seconds())
        return await self._give(call.request, media, cache_seconds=min(left, _DAY_SECONDS))

    async def _find(self, org_id: int, media_id: int) -> Media:
        return await self._database.read(lambda tx: self._library.get(tx, org_id=org_id, media_id=media_id))

    async def _give(self, request: web.Request, media: Media, *, cache_seconds: int) -> web.StreamResponse:
        key = FileKey(org_id=media.org_id, sha256=media.sha256)
        headers = _inert_headers(media.filename or media.sha256[:12], cache_seconds)
        headers["Content-Type"] = UNKNOWN if is_active(media.mimetype) else media.mimetype
        here = self._library.shelf.find(key)
        if here is not None:
            return web.FileResponse(here, headers=headers)
        return await self._stream(request, media, key, headers)

    async def _stream(
        self, request: web.Request, media: Media, key: FileKey, headers: dict[str, str]
    ) -> web.StreamResponse:
        """From wherever the bytes are. That they cannot be had is found out before the answer begins."""
        try:
            span = read_range(request.headers.get("Range"), media.size)
        except NoSuchRangeError:
            return web.Response(status=416, headers={"Content-Range": f"bytes */{media.size}"})
        start, stop = span or (0, media.size)
        pieces = self._library.shelf.read(key, start=start, stop=stop)
        first = await anext(pieces, b"")
        response = web.StreamResponse(
            status=200 if span is None else 206, headers={**headers, "Accept-Ranges": "bytes"}
        )
        if span is not None:
            response.headers["Content-Range"] = f"bytes {start}-{stop - 1}/{media.size}"
        response.content_length = stop - start
        await response.prepare(request)
        if request.method != "HEAD":
            await _pass_on(request, response, first, pieces)
        return response


async def _pass_on(
    request: web.Request, response: web.StreamResponse, first: bytes, pieces: AsyncIterator[bytes]
) -> None:
    try:
        await response.write(first)
        async for piece in pieces:
            await response.write(piece)
    except MediaStoreError:
        # The head has promised more than can be had: the caller must not take this for the whole file.
        if request.transport is not None:
            request.transport.abort()


def _inert_headers(name: str, cache_seconds: int) -> dict[str, str]:
    """Files come from anybody, so browsers are always told to save them, never to show or run them."""
    return {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": f"private, max-age={cache_seconds}",
    }


def _media_id(call: Call) -> int:
    return id_in_path("med", call.path["id"], code="media_not_found")
