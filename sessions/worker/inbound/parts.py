"""Pieces that several readers of WhatsApp messages share: wrappers, context, keys of other messages."""

from __future__ import annotations

from typing import Any

from sessions.address import Address, InvalidJidError, Jid
from sessions.content import MessageKey
from sessions.worker.inbound.context import Reading
from sessions.worker.jids import text

#: Messages that only hold another message; view-once ones say something about it.
_VIEW_ONCE = ("viewOnceMessage", "viewOnceMessageV2", "viewOnceMessageV2Extension")
_WRAPPERS = (
    *_VIEW_ONCE,
    "deviceSentMessage",
    "ephemeralMessage",
    "documentWithCaptionMessage",
    "editedMessage",
    "lottieStickerMessage",
    "groupMentionedMessage",
    "associatedChildMessage",
    "botInvokeMessage",
)
_MAX_DEPTH = 8


def unwrap(message: Any) -> tuple[Any, bool]:
    """The message inside all wrappers, and whether it may be viewed only once."""
    view_once = False
    for _ in range(_MAX_DEPTH):
        wrapper = next((name for name in _WRAPPERS if message.HasField(name)), None)
        if wrapper is None:
            break
        view_once = view_once or wrapper in _VIEW_ONCE
        message = getattr(message, wrapper).message
    return message, view_once


def context_of(message: Any) -> Any | None:
    """The context (quote, mentions, forwarding) of whatever the message holds."""
    for field, value in message.ListFields():
        if (
            field.message_type is not None
            and "contextInfo" in field.message_type.fields_by_name
            and value.HasField("contextInfo")
        ):
            return value.contextInfo
    return None


def parse_jid(value: str | bytes) -> Jid | None:
    """An address out of a text field; None where it is empty or of a kind that we do not know."""
    try:
        return Jid.parse(text(value))
    except InvalidJidError:
        return None


def target_key(key: Any, *, chat: Address, author: Address, from_me: bool, reading: Reading) -> MessageKey:
    """The message that a reaction, edit or revoke is about.

    Such a key is written from its author's point of view: its "from me" is the author's, and in a direct chat the
    other party's messages are ours when the author is not.
    """
    participant = parse_jid(key.participant)
    group = chat.other is not None
    if from_me:
        target_is_ours = bool(key.fromMe)
    elif group:
        target_is_ours = not key.fromMe and reading.is_me(participant)
    else:
        target_is_ours = not key.fromMe
    sender: Address | None = None
    if group:
        sender = author if key.fromMe else (Address.of(participant) if participant else None)
    return MessageKey(chat=chat, wa_id=text(key.ID), from_me=target_is_ours, participant=sender)
