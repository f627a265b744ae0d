"""Commands about messages."""

from __future__ import annotations

from sessions.address import Address
from sessions.commands.base import Command, Result
from sessions.content import Envelope, Sent


class SendMessage(Command, frozen=True, tag="send"):
    envelope: Envelope


class MarkRead(Command, frozen=True, tag="mark_read"):
    chat: Address
    wa_ids: tuple[str, ...]
    sender: Address | None = None
    played: bool = False


class MessageSent(Result, frozen=True, tag="sent"):
    sent: Sent


MessageCommand = SendMessage | MarkRead
MessageResult = MessageSent
