"""The files of messages over HTTP: fetching one again, and how much room they take."""

from __future__ import annotations

from gateway.api.fields import id_in_path
from gateway.api.route import Call, route
from gateway.db.tx import Database, Tx
from gateway.kit.ids import render_id
from gateway.media.library import MediaLibrary
from gateway.messages import file_store
from gateway.messages.routes import show
from gateway.messages.schemas import MediaUsageOut, MessageOut
from gateway.messages.service import Messages
from gateway.messages.session_files import SessionFiles
from gateway.principal import Principal


class MessageMediaRoutes:
    """``/api/v1/messages/{id}/fetch-media`` and ``/api/v1/media/usage``."""

    def __init__(self, *, database: Database, messages: Messages, files: SessionFiles, library: MediaLibrary) -> None:
        self._database = database
        self._messages = messages
        self._files = files
        self._library = library

    @route(
        "POST",
        "/api/v1/messages/{id}/fetch-media",
        operation="messages.fetch_media",
        summary="Fetch the file of a received message, again or for the first time",
        tag="messages",
        description="For files that failed, have expired here, or were never fetched, such as those of the phone's "
        "history. `media.available` or `media.failed` tells what came of it; WhatsApp keeps files for some weeks. Nothing "
        "happens where the file is here already.",
        gives=MessageOut,
        status=202,
        idempotent_key=True,
        errors=("message_not_found", "message_without_file"),
    )
    async def fetch(self, call: Call) -> dict[str, object]:
        message_id = id_in_path("msg", call.path["id"], code="message_not_found")

        def work(tx: Tx) -> dict[str, object]:
            entry = self._messages.get_to_change(tx, call.caller, message_id)
            self._files.fetch(tx, entry)
            answer = show(entry)
            call.remember(tx, answer)
            return answer

        return await self._database.write(work)

    @route(
        "GET",
        "/api/v1/media/usage",
        operation="media.usage",
        summary="How much room files take",
        tag="media",
        scope="media.read",
        description="Of all files together, each counted once, and of those in the messages of each session.",
        gives=MediaUsageOut,
    )
    async def usage(self, call: Call) -> dict[str, object]:
        return await self._database.read(lambda tx: self._usage(tx, call.caller))

    def _usage(self, tx: Tx, principal: Principal) -> dict[str, object]:
        used = self._library.usage(tx, org_id=principal.org_id)
        sessions = file_store.usage_by_session(tx, org_id=principal.org_id, session_ids=principal.session_ids)
        settings = file_store.settings_of(tx, session_ids=[one.session_id for one in sessions])
        return {
            "files": used.files,
            "bytes": used.bytes,
            "quota_bytes": self._library.limits.quota_bytes or None,
            "sessions": [
                {
                    "session": render_id("ses", one.session_id),
                    "files": one.files,
                    "bytes": one.bytes,
                    "quota_bytes": self._files.quota_bytes(settings[one.session_id]) or None,
                    "keep_days": self._files.keep_days(settings[one.session_id]) or None,
                }
                for one in sessions
            ],
        }
