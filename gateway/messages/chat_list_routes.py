"""The list of chats, over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from gateway.api.fields import ContactId, id_in_path
from gateway.api.paging import PageQuery, page_of
from gateway.api.route import Call, route
from gateway.chats.schemas import ChatOut, ChatPage
from gateway.contacts.service import Contacts
from gateway.db.tx import Database, Tx
from gateway.fleet.service import Sessions
from gateway.messages.chat_list import list_chats, read_chat, show_chat
from gateway.messages.chat_store import ChatEntry


class ChatQuery(PageQuery):
    """Filters; each one given narrows the list."""

    session: str | None = Field(None, max_length=100, description="A session's id or name.")
    kind: Literal["person", "group", "newsletter", "status", "broadcast"] | None = None
    contact: ContactId | None = None
    unread: bool | None = Field(None, description="Only chats that hold something unread, or only others.")
    search: str | None = Field(
        None, min_length=1, max_length=100, description="Part of a name, title or number; accents do not matter."
    )


class ChatListRoutes:
    """``/api/v1/chats``."""

    def __init__(self, *, database: Database, sessions: Sessions, contacts: Contacts) -> None:
        self._database = database
        self._sessions = sessions
        self._contacts = contacts

    @route(
        "GET",
        "/api/v1/chats",
        operation="chats.list",
        summary="List chats, the one with the newest message first",
        tag="chats",
        description="Each with what was said last, and how much of it is unread.",
        query=ChatQuery,
        gives=ChatPage,
        errors=("session_not_found", "contact_not_found"),
    )
    async def list(self, call: Call) -> dict[str, object]:
        principal, query = call.caller, call.query
        position = query.position()

        def read(tx: Tx) -> Sequence[ChatEntry]:
            session_id = None if query.session is None else self._sessions.get(tx, principal, query.session).id
            contact_id = query.contact and self._contacts.get(tx, org_id=principal.org_id, contact_id=query.contact).id
            return list_chats(
                tx,
                principal,
                limit=query.limit + 1,
                session_id=session_id,
                kind=query.kind,
                contact_id=contact_id,
                is_unread=query.unread,
                search=query.search,
                before_message_id=position,
            )

        rows = await self._database.read(read)
        kept, following = page_of(rows, limit=query.limit, position=lambda entry: entry.chat.last_message_id or 0)
        return {"items": [show_chat(entry) for entry in kept], "next": following}

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
        principal, chat_id = call.caller, id_in_path("cht", call.path["id"], code="chat_not_found")
        return show_chat(await self._database.read(lambda tx: read_chat(tx, principal, chat_id)))
