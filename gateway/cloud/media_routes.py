"""The Cloud API's addresses of files."""

from __future__ import annotations

from gateway.api.fields import id_in_path
from gateway.api.route import Call, route
from gateway.cloud.routes import BASE
from gateway.cloud.schemas import CloudMediaOut, SuccessOut, UploadedOut
from gateway.db.tx import Database
from gateway.fleet.service import Sessions
from gateway.kit.errors import MediaTypeError
from gateway.kit.ids import render_id
from gateway.media.keeper import MediaKeeper
from gateway.media.library import MediaLibrary
from gateway.media.models import Media
from gateway.media.routes import keep_upload
from gateway.media.schemas import render_media

_ONE = "/cloud/v{version}/{media_id}"


class CloudMediaRoutes:
    """``/cloud/v21.0/<session>/media`` and ``/cloud/v21.0/<file>``."""

    def __init__(
        self,
        *,
        database: Database,
        sessions: Sessions,
        library: MediaLibrary,
        keeper: MediaKeeper,
        public_url: str | None,
    ) -> None:
        self._database = database
        self._sessions = sessions
        self._library = library
        self._keeper = keeper
        self._public_url = public_url

    @route(
        "POST",
        f"{BASE}/media",
        operation="cloud.upload",
        scope="media.upload",
        summary="Upload a file, as with Meta's Cloud API",
        tag="cloud",
        gives=UploadedOut,
        raw_body=True,
        idempotent_key=True,
        errors=("session_not_found", "media_too_large", "media_type_refused", "media_empty"),
        description="A multipart/form-data body with the file as `file`. Every session of the organization may use it.",
    )
    async def upload(self, call: Call) -> dict[str, object]:
        line = call.path["phone_number_id"]
        await self._database.read(lambda tx: self._sessions.get_line(tx, call.caller, line))
        if call.request.content_type != "multipart/form-data":
            raise MediaTypeError("The body must be multipart/form-data.", code="content_type_refused")
        media = await keep_upload(call, self._library, filename=None)
        return {"id": render_id("med", media.id)}

    @route(
        "GET",
        _ONE,
        operation="cloud.media",
        scope="media.read",
        summary="Where the bytes of a file are, as with Meta's Cloud API",
        tag="cloud",
        gives=CloudMediaOut,
        errors=("media_not_found",),
    )
    async def read(self, call: Call) -> dict[str, object]:
        media_id, org_id = _media_id(call), call.caller.org_id
        media = await self._database.read(lambda tx: self._library.get(tx, org_id=org_id, media_id=media_id))
        return self._render(call, media)

    @route(
        "DELETE",
        _ONE,
        operation="cloud.delete_media",
        scope="media.delete",
        summary="Delete a file, as with Meta's Cloud API",
        tag="cloud",
        gives=SuccessOut,
        errors=("media_not_found", "media_in_use"),
        description="For every session of the organization: messages that carried it show that it is gone.",
    )
    async def delete(self, call: Call) -> dict[str, object]:
        await self._keeper.delete(org_id=call.caller.org_id, media_id=_media_id(call))
        return {"success": True}

    def _render(self, call: Call, media: Media) -> dict[str, object]:
        known, request = render_media(media), call.request
        origin = (self._public_url or f"{request.scheme}://{request.host}").rstrip("/")
        return {
            "messaging_product": "whatsapp",
            "id": known["id"],
            "url": f"{origin}{known['url']}",
            "mime_type": media.mimetype,
            "sha256": media.sha256,
            "file_size": media.size,
        }


def _media_id(call: Call) -> int:
    return id_in_path("med", call.path["media_id"], code="media_not_found")
