"""What a chat holds, over HTTP: its messages, and marking them as read."""

from __future__ import annotations

from gateway.api.fields import id_in_path
from gateway.api.route import Call, route
from gateway.chats.service import Chats
from gateway.contacts.service import Contacts
from gateway.db.tx import Database, Tx
from gateway.kit.clock import Clock
from gateway.messages.chat_history import Stretch, read_stretch
from gateway.messages.marking import ReadMarker
from gateway.messages.outbox.waiting import Waiting
from gateway.messages.routes import show_all
from gateway.messages.schemas import ChatMessagePage, ChatMessageQuery
from sessions.engine import Engine


class ChatMessageRoutes:
    """``/api/v1/chats/{id}/...``."""

    def __init__(
        self,
        *,
        database: Database,
        engine: Engine,
        clock: Clock,
        contacts: Contacts,
        chats: Chats,
        waiting: Waiting,
    ) -> None:
        self._database = database
        self._waiting = waiting
        self._chats = chats
        self._marker = ReadMarker(database=database, engine=engine, clock=clock, contacts=contacts, chats=chats)

    @route(
        "GET",
        "/api/v1/chats/{id}/messages",
        operation="chats.messages",
        summary="List the messages of a chat, newest first",
        tag="chats",
        description="`after` leads into the past, `before` back to the present; dates narrow both.",
        query=ChatMessageQuery,
        gives=ChatMessagePage,
        errors=("chat_not_found",),
    )
    async def messages(self, call: Call) -> dict[str, object]:
        principal, asked, chat_id = call.caller, Stretch.asked(call.query), _chat_id(call)

        def read(tx: Tx) -> dict[str, object]:
            self._chats.get(tx, principal, chat_id)
            page = read_stretch(tx, org_id=principal.org_id, chat_id=chat_id, asked=asked)
            items = show_all(tx, page.entries, waiting=self._waiting)
            return {"items": items, "next": page.following, "previous": page.previous}

        return await self._database.read(read)

    @route(
        "PUT",
        "/api/v1/chats/{id}/read",
        operation="chats.mark_read",
        summary="Mark a chat as read, here and on WhatsApp",
        tag="chats",
        description="Voice messages are marked as played, too.",
        errors=("chat_not_found", "session_not_running", "session_not_connected"),
    )
    async def mark_read(self, call: Call) -> None:
        principal, chat_id = call.caller, _chat_id(call)
        chat = await self._database.read(lambda tx: self._chats.get(tx, principal, chat_id))
        await self._marker.mark(chat)


def _chat_id(call: Call) -> int:
    return id_in_path("cht", call.path["id"], code="chat_not_found")
