"""What is done to a chat as a whole, over HTTP; what needs its messages is in the slice of messages."""

from __future__ import annotations

from gateway.api.fields import id_in_path
from gateway.api.route import Call, route
from gateway.chats.addresses import address_of_chat
from gateway.chats.models import Chat
from gateway.chats.schemas import TypingIn
from gateway.chats.service import Chats
from gateway.contacts.service import Contacts
from gateway.db.tx import Database, Tx
from gateway.kit.errors import ConflictError
from gateway.kit.ids import render_id
from gateway.principal import Principal
from sessions.address import Address
from sessions.commands.presence import SetTyping, SubscribePresence
from sessions.engine import Engine


class ChatRoutes:
    """``/api/v1/chats``."""

    def __init__(self, *, database: Database, engine: Engine, contacts: Contacts, chats: Chats) -> None:
        self._database = database
        self._engine = engine
        self._contacts = contacts
        self._chats = chats

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

    @route(
        "POST",
        "/api/v1/chats/{id}/presence",
        operation="chats.subscribe_presence",
        summary="Ask WhatsApp to tell when the person in a chat comes online",
        tag="chats",
        description="Holds until the session connects anew. WhatsApp tells only as much as the person lets everybody "
        "see, and only while this account shows itself online.",
        errors=("chat_not_found", "chat_not_with_a_person", "session_not_running", "session_not_connected"),
    )
    async def presence(self, call: Call) -> None:
        principal, chat_id = call.caller, _chat_id(call)
        chat, address = await self._database.read(lambda tx: self._with_address(tx, principal, chat_id))
        if chat.contact_id is None:
            raise ConflictError("Only people come online; this chat is with a group.", code="chat_not_with_a_person")
        await self._engine.call(render_id("ses", chat.session_id), SubscribePresence(who=address), timeout_seconds=15.0)

    def _with_address(self, tx: Tx, principal: Principal, chat_id: int) -> tuple[Chat, Address]:
        chat = self._chats.get(tx, principal, chat_id)
        return chat, address_of_chat(tx, chat, contacts=self._contacts)


def _chat_id(call: Call) -> int:
    return id_in_path("cht", call.path["id"], code="chat_not_found")
