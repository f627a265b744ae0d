"""Marks what has arrived as read when the Cloud API's way of asking for it names one message."""

from __future__ import annotations

from gateway.chats.addresses import address_of_chat
from gateway.chats.models import Chat
from gateway.contacts.service import Contacts
from gateway.db.tx import Database, Tx
from gateway.fleet.models import Session
from gateway.kit.errors import NotFoundError
from gateway.kit.ids import render_id
from gateway.messages.marking import ReadMarker
from gateway.messages.models import Direction
from gateway.messages.service import Messages
from gateway.principal import Principal
from sessions.address import Address
from sessions.commands.presence import SetTyping
from sessions.engine import Engine

_ENGINE_SECONDS = 15.0


class Reading:
    """Reads a chat up to now, and may show that an answer is being written."""

    def __init__(
        self, *, database: Database, engine: Engine, messages: Messages, contacts: Contacts, marker: ReadMarker
    ) -> None:
        self._database = database
        self._engine = engine
        self._messages = messages
        self._contacts = contacts
        self._marker = marker

    async def read(self, principal: Principal, session: Session, message_id: int, *, shows_typing: bool) -> None:
        """Mark the chat of a message that arrived as read; raises NotFoundError, SessionError."""
        chat, address = await self._database.read(lambda tx: self._find(tx, principal, session, message_id))
        await self._marker.mark(chat)
        if shows_typing:
            command = SetTyping(chat=address, state="composing")
            await self._engine.call(render_id("ses", session.id), command, timeout_seconds=_ENGINE_SECONDS)

    def _find(self, tx: Tx, principal: Principal, session: Session, message_id: int) -> tuple[Chat, Address]:
        entry = self._messages.get(tx, principal, message_id)
        if entry.message.session_id != session.id or entry.message.direction != Direction.IN:
            raise NotFoundError("No such message has arrived.", code="message_not_found")
        return entry.chat, address_of_chat(tx, entry.chat, contacts=self._contacts)
