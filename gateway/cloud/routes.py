"""The Cloud API's one address of messages: sending, and marking as read."""

from __future__ import annotations

from typing import Any

from gateway.api.route import Call, route
from gateway.cloud.arrived import who
from gateway.cloud.reading import Reading
from gateway.cloud.requests import CloudMessageIn
from gateway.cloud.schemas import CloudAnswer
from gateway.cloud.translation import to_message
from gateway.db.tx import Database, Tx
from gateway.fleet.models import Session
from gateway.fleet.service import Sessions
from gateway.kit.ids import render_id
from gateway.messages.sending import Sender

BASE = "/cloud/v{version}/{phone_number_id}"


class CloudMessageRoutes:
    """``/cloud/v21.0/<session>/messages``."""

    def __init__(self, *, database: Database, sessions: Sessions, sender: Sender, reading: Reading) -> None:
        self._database = database
        self._sessions = sessions
        self._sender = sender
        self._reading = reading

    @route(
        "POST",
        f"{BASE}/messages",
        operation="cloud.send",
        scope="messages.send",
        summary="Send a message, or mark one as read, as with Meta's Cloud API",
        tag="cloud",
        takes=CloudMessageIn,
        gives=CloudAnswer,
        idempotent_key=True,
        errors=(
            "session_not_found",
            "session_not_paired",
            "recipient_invalid",
            "message_not_found",
            "message_not_sent",
            "media_not_found",
            "media_too_large",
            "media_type_refused",
            "media_url_failed",
            "address_refused",
            "engine_unsupported",
        ),
        description="`phone_number_id` is a session's id or name, or the number of its phone; any version will do. "
        "Marking as read needs the scope `chats.mark_read`, a typing indicator `chats.typing`. Refusals have the shape "
        "of Meta's Graph API.",
    )
    async def send(self, call: Call) -> dict[str, object]:
        said: CloudMessageIn = call.body
        session = await self._database.read(
            lambda tx: self._sessions.get_line(tx, call.caller, call.path["phone_number_id"])
        )
        if said.message_id is not None:
            return await self._read(call, session, said.message_id)
        request = to_message(said, session=render_id("ses", session.id))

        def accepted(tx: Tx, message: dict[str, Any]) -> dict[str, object]:
            answer = _accepted(message, given=request.to)
            call.remember(tx, answer)
            return answer

        return await self._sender.send(call.caller, request, answer=accepted)

    async def _read(self, call: Call, session: Session, message_id: int) -> dict[str, object]:
        shows_typing = call.body.typing_indicator is not None
        call.caller.demand("chats.mark_read")
        if shows_typing:
            call.caller.demand("chats.typing")
        await self._reading.read(call.caller, session, message_id, shows_typing=shows_typing)
        return {"success": True}


def _accepted(message: dict[str, Any], *, given: str) -> dict[str, object]:
    return {
        "messaging_product": "whatsapp",
        "contacts": [{"input": given, "wa_id": who(message["to"])}],
        "messages": [{"id": message["id"]}],
    }
