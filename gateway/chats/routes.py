"""Chats over HTTP; what needs their messages is in the slice of messages."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from gateway.api.fields import id_in_path
from gateway.api.paging import PageQuery, page_of
from gateway.api.route import Call, route
from gateway.chats.addresses import address_of_chat
from gateway.chats.models import Chat
from gateway.chats.schemas import ChatOut, ChatPage, TypingIn, render_chat
from gateway.chats.service import Chats
from gateway.contacts.service import Contacts
from gateway.db.tx import Database, Tx
from gateway.fleet.service import Sessions
from gateway.kit.ids import render_id
from gateway.principal import Principal
from sessions.address import Address
from sessions.commands.presence import SetTyping
from sessions.engine import Engine


class ChatQuery(PageQuery):
    session: str | None = Field(None, max_length=100, description="A session's id or name.")


class ChatRoutes:
    """``/api/v1/chats``."""

    def __init__(
        self, *, database: Database, engine: Engine, sessions: Sessions, contacts: Contacts, chats: Chats
    ) -> None:
        self._database = database
        self._engine = engine
        self._sessions = sessions
        self._contacts = contacts
        self._chats = chats

    @route(
        "GET",
        "/api/v1/chats",
        operation="chats.list",
        summary="List chats, the one with the newest message first",
        tag="chats",
        query=ChatQuery,
        gives=ChatPage,
        errors=("session_not_found",),
    )
    async def list(self, call: Call) -> dict[str, object]:
        principal, query = call.caller, call.query
        position = query.position()

        def read(tx: Tx) -> Sequence[Chat]:
            session_id = None if query.session is None else self._sessions.get(tx, principal, query.session).id
            return self._chats.page(
                tx, principal, limit=query.limit + 1, session_id=session_id, before_message_id=position
            )

        rows = await self._database.read(read)
        kept, following = page_of(rows, limit=query.limit, position=lambda chat: chat.last_message_id or 0)
        return {"items": [render_chat(chat) for chat in kept], "next": following}

    @route(
        "GET",
        "/api/v1/chats/{id}",
        operation="chats.read",
        summary="Read a chat",
        tag="chats",
        gives=ChatOut,
        errors=("chat_not_found",),
    )
    async def read(self, call: Call) -> dict[str, object]:
        principal, chat_id = call.caller, _chat_id(call)
        return render_chat(await self._database.read(lambda tx: self._chats.get(tx, principal, chat_id)))

    @route(
        "POST",
        "/api/v1/chats/{id}/typing",
        operation="chats.typing",
        summary="Show the other side that somebody is writing",
        tag="chats",
        takes=TypingIn,
        errors=("chat_not_found", "session_not_running", "session_not_connected"),
    )
    async def typing(self, call: Call) -> None:
        principal, chat_id = call.caller, _chat_id(call)
        chat, address = await self._database.read(lambda tx: self._with_address(tx, principal, chat_id))
        command = SetTyping(chat=address, state=call.body.state)
        await self._engine.call(render_id("ses", chat.session_id), command, timeout_seconds=15.0)

    def _with_address(self, tx: Tx, principal: Principal, chat_id: int) -> tuple[Chat, Address]:
        chat = self._chats.get(tx, principal, chat_id)
        return chat, address_of_chat(tx, chat, contacts=self._contacts)


def _chat_id(call: Call) -> int:
    return id_in_path("cht", call.path["id"], code="chat_not_found")
