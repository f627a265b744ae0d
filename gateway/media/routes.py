"""Uploading, describing and deleting files over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator

from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from gateway.api.fields import id_in_path
from gateway.api.route import Call, route
from gateway.db.tx import Database
from gateway.kit.errors import MalformedError
from gateway.media.keeper import MediaKeeper
from gateway.media.library import MediaLibrary
from gateway.media.models import Media
from gateway.media.schemas import MediaOut, UploadQuery, render_media

_PIECE_BYTES = 256 * 1024


class MediaRoutes:
    """``/api/v1/media``."""

    def __init__(self, *, database: Database, library: MediaLibrary, keeper: MediaKeeper) -> None:
        self._database = database
        self._library = library
        self._keeper = keeper

    @route(
        "POST",
        "/api/v1/media",
        operation="media.upload",
        summary="Upload a file",
        tag="media",
        description="The bytes are the request's body, with their type as Content-Type, or the first file of a "
        "multipart/form-data body. The same bytes uploaded twice give the same id.",
        query=UploadQuery,
        gives=MediaOut,
        status=201,
        raw_body=True,
        idempotent_key=True,
        errors=(
            "media_too_large",
            "media_type_refused",
            "media_empty",
            "media_quota_exceeded",
            "media_store_unavailable",
        ),
    )
    async def upload(self, call: Call) -> dict[str, object]:
        request = call.request
        if request.content_type == "multipart/form-data":
            part = await _first_file(request)
            pieces, declared = _pieces_of(part), part.headers.get("Content-Type")
            filename = call.query.filename or part.filename
        else:
            pieces, declared = request.content.iter_chunked(_PIECE_BYTES), request.headers.get("Content-Type")
            filename = call.query.filename

        def arrived(sha256: str) -> None:
            # A multipart body differs with every try; what it holds does not.
            call.body_is(f"{sha256}\n{declared}\n{filename}".encode())

        media = await self._library.save(
            org_id=call.caller.org_id, pieces=pieces, declared_type=declared, filename=filename, on_hash=arrived
        )
        return render_media(media)

    @route(
        "GET",
        "/api/v1/media/{id}",
        operation="media.read",
        summary="What is known of a file",
        tag="media",
        gives=MediaOut,
        errors=("media_not_found",),
    )
    async def read(self, call: Call) -> dict[str, object]:
        return render_media(await self._find(call))

    @route(
        "DELETE",
        "/api/v1/media/{id}",
        operation="media.delete",
        summary="Delete a file",
        tag="media",
        description="Messages that had it stay; links to it end. What is still to be sent cannot be deleted.",
        errors=("media_not_found", "media_in_use"),
    )
    async def delete(self, call: Call) -> None:
        await self._keeper.delete(org_id=call.caller.org_id, media_id=_media_id(call))

    async def _find(self, call: Call) -> Media:
        media_id, org_id = _media_id(call), call.caller.org_id
        return await self._database.read(lambda tx: self._library.get(tx, org_id=org_id, media_id=media_id))


async def _first_file(request: web.Request) -> BodyPartReader:
    try:
        async for part in await request.multipart():
            if isinstance(part, BodyPartReader) and part.filename is not None:
                return part
    except (ValueError, HttpProcessingError) as error:
        raise MalformedError("The multipart body cannot be read.") from error
    raise MalformedError("The multipart body holds no file.")


async def _pieces_of(part: BodyPartReader) -> AsyncIterator[bytes]:
    while piece := await part.read_chunk(_PIECE_BYTES):
        yield piece


def _media_id(call: Call) -> int:
    return id_in_path("med", call.path["id"], code="media_not_found")
