"""Fetching the files of messages that came without them, over HTTP."""

from __future__ import annotations

from collections.abc import Callable

from gateway.api.fields import id_in_path
from gateway.api.route import Call, route
from gateway.db.tx import Database, Tx
from gateway.kit.clock import Clock
from gateway.kit.errors import ConflictError
from gateway.messages.codec import MEDIA_TYPES, decode_content
from gateway.messages.models import MediaState
from gateway.messages.routes import show
from gateway.messages.schemas import MessageOut
from gateway.messages.service import Messages
from sessions.content import RemoteFile


class MessageMediaRoutes:
    """``/api/v1/messages/{id}/fetch-media``."""

    def __init__(
        self, *, database: Database, clock: Clock, messages: Messages, wake_downloads: Callable[[], None]
    ) -> None:
        self._database = database
        self._clock = clock
        self._messages = messages
        self._wake_downloads = wake_downloads

    @route(
        "POST",
        "/api/v1/messages/{id}/fetch-media",
        operation="messages.fetch_media",
        summary="Fetch the file of a message that came without it",
        tag="messages",
        description="Files of messages from the phone's history are not fetched by themselves. `media.available` or "
        "`media.failed` tells what came of it; WhatsApp keeps files for some weeks.",
        gives=MessageOut,
        status=202,
        idempotent_key=True,
        errors=("message_not_found", "message_without_file"),
    )
    async def fetch(self, call: Call) -> dict[str, object]:
        message_id = id_in_path("msg", call.path["id"], code="message_not_found")

        def work(tx: Tx) -> dict[str, object]:
            entry = self._messages.get(tx, call.caller, message_id)
            content = decode_content(entry.message.content)
            if not (isinstance(content, MEDIA_TYPES) and isinstance(content.file, RemoteFile)):
                raise ConflictError("This message holds no file of WhatsApp's.", code="message_without_file")
            if entry.message.media_state not in (MediaState.AVAILABLE, MediaState.PENDING):
                entry.message.media_state, entry.message.media_error = MediaState.PENDING, None
                entry.message.media_attempts, entry.message.media_next_at = 0, self._clock.now()
                tx.session.flush()
                tx.after_commit(self._wake_downloads)
            answer = show(entry)
            call.remember(tx, answer)
            return answer

        return await self._database.write(work)
