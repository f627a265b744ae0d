"""What a chat holds, over HTTP: its messages, and marking them as read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import partial

from gateway.api.fields import id_in_path
from gateway.api.route import Call, route
from gateway.chats.addresses import address_of_chat
from gateway.chats.models import Chat
from gateway.chats.service import Chats
from gateway.contacts.service import Contacts
from gateway.db.tx import Database, Tx
from gateway.kit.clock import Clock
from gateway.kit.ids import render_id
from gateway.messages import store
from gateway.messages.chat_history import Stretch, read_stretch
from gateway.messages.codec import is_voice
from gateway.messages.outbox.waiting import Waiting
from gateway.messages.routes import show_all
from gateway.messages.schemas import ChatMessagePage, ChatMessageQuery
from gateway.messages.store import Entry
from gateway.principal import Principal
from sessions.address import Address
from sessions.commands.messages import MarkRead
from sessions.engine import Engine

_MOST_READ_AT_ONCE = 200


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
        self._engine = engine
        self._clock = clock
        self._contacts = contacts
        self._chats = chats

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
        chat, address, entries = await self._database.read(lambda tx: self._unread(tx, principal, chat_id))
        while True:
            await self._tell(chat, address, entries)
            left = await self._database.write(partial(self._note_read, chat=chat, entries=entries))
            if not left:
                return
            entries = left

    async def _tell(self, chat: Chat, address: Address, entries: Sequence[Entry]) -> None:
        """WhatsApp learns what was read and, of voice messages, that they were played."""
        for is_played in (False, True):
            told = [entry for entry in entries if not is_played or is_voice(entry.message)]
            for sender, wa_ids in _by_sender(chat, told).items():
                command = MarkRead(chat=address, wa_ids=tuple(wa_ids), sender=sender, played=is_played)
                await self._engine.call(render_id("ses", chat.session_id), command, timeout_seconds=30.0)

    def _unread(self, tx: Tx, principal: Principal, chat_id: int) -> tuple[Chat, Address, list[Entry]]:
        chat = self._chats.get(tx, principal, chat_id)
        return chat, address_of_chat(tx, chat, contacts=self._contacts), self._list_unread(tx, chat)

    def _list_unread(self, tx: Tx, chat: Chat) -> list[Entry]:
        return store.list_unread(tx, org_id=chat.org_id, chat_id=chat.id, limit=_MOST_READ_AT_ONCE)

    def _note_read(self, tx: Tx, *, chat: Chat, entries: list[Entry]) -> list[Entry]:
        """What is left to be read, among it what has come in meanwhile; the count is what is left of it."""
        message_ids = [entry.message.id for entry in entries]
        store.mark_read(tx, org_id=chat.org_id, message_ids=message_ids, at=self._clock.now())
        left = self._list_unread(tx, chat)
        if not left:
            self._chats.mark_read(tx, chat)
        return left


def _by_sender(chat: Chat, entries: Sequence[Entry]) -> dict[Address | None, list[str]]:
    """In a group each sender is told apart; in a chat with one person there is nobody to tell apart."""
    found: dict[Address | None, list[str]] = defaultdict(list)
    for entry in entries:
        sender = entry.contact.address if chat.jid is not None and entry.contact else None
        found[sender].append(entry.message.wa_id or "")
    return found


def _chat_id(call: Call) -> int:
    return id_in_path("cht", call.path["id"], code="chat_not_found")
