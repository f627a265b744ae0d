"""Marks what arrived in a chat as read: on WhatsApp first, then here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import partial

from gateway.chats.addresses import address_of_chat
from gateway.chats.models import Chat
from gateway.chats.service import Chats
from gateway.contacts.service import Contacts
from gateway.db.tx import Database, Tx
from gateway.kit.clock import Clock
from gateway.kit.ids import render_id
from gateway.messages import store
from gateway.messages.codec import is_voice
from gateway.messages.store import Entry
from sessions.address import Address
from sessions.commands.messages import MarkRead
from sessions.engine import Engine

MOST_AT_ONCE = 200
_ENGINE_SECONDS = 30.0


class ReadMarker:
    """Reads a chat on behalf of the linked account."""

    def __init__(self, *, database: Database, engine: Engine, clock: Clock, contacts: Contacts, chats: Chats) -> None:
        self._database = database
        self._engine = engine
        self._clock = clock
        self._contacts = contacts
        self._chats = chats

    async def mark(self, chat: Chat) -> int:
        """Mark everything unread in a chat; how much there was. Raises SessionError."""
        address, entries = await self._database.read(lambda tx: self._unread(tx, chat))
        count = 0
        while True:
            await self._tell(chat, address, entries)
            count += len(entries)
            entries = await self._database.write(partial(self._note_read, chat=chat, entries=entries))
            if not entries:
                return count

    async def _tell(self, chat: Chat, address: Address, entries: Sequence[Entry]) -> None:
        """WhatsApp learns what was read and, of voice messages, that they were played."""
        for is_played in (False, True):
            told = [entry for entry in entries if not is_played or is_voice(entry.message)]
            for sender, wa_ids in _by_sender(chat, told).items():
                command = MarkRead(chat=address, wa_ids=tuple(wa_ids), sender=sender, played=is_played)
                await self._engine.call(render_id("ses", chat.session_id), command, timeout_seconds=_ENGINE_SECONDS)

    def _unread(self, tx: Tx, chat: Chat) -> tuple[Address, list[Entry]]:
        return address_of_chat(tx, chat, contacts=self._contacts), self._list_unread(tx, chat)

    def _list_unread(self, tx: Tx, chat: Chat) -> list[Entry]:
        return store.list_unread(tx, org_id=chat.org_id, chat_id=chat.id, limit=MOST_AT_ONCE)

    def _note_read(self, tx: Tx, *, chat: Chat, entries: Sequence[Entry]) -> list[Entry]:
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
