"""Reads messages: those that arrive and those that could not be decrypted."""

from __future__ import annotations

from typing import Any

from sessions.address import Address
from sessions.content import CalendarEvent, Content, MessageKey, Poll
from sessions.events import Event, MessageReceived, MessageUndecryptable
from sessions.protobuf import load
from sessions.worker.inbound.content import read_content
from sessions.worker.inbound.context import Reading
from sessions.worker.inbound.parts import context_of, parse_jid, unwrap
from sessions.worker.jids import address, seconds, text

_neonize: Any = load("Neonize_pb2")
_e2e: Any = load("waE2E.WAWebProtobufsE2E_pb2")


def read_message(data: bytes, reading: Reading) -> list[Event]:
    event = _neonize.Message.FromString(data)
    info = event.Info
    source = info.MessageSource
    key, sender = read_key(info)
    message, view_once = unwrap(event.Message)
    content = read_content(
        message,
        view_once=view_once or event.IsViewOnce or event.IsViewOnceV2 or event.IsViewOnceV2Extension,
        chat=key.chat,
        author=sender,
        from_me=source.IsFromMe,
        reading=reading,
    )
    if content is None:
        return []
    context = context_of(message)
    return [
        MessageReceived(
            key=key,
            sender=sender,
            push_name=text(info.Pushname),
            timestamp=info.Timestamp / 1000,
            content=content,
            quoted_wa_id=quoted_id(context),
            mentions=mentions_of(context),
            forwarded=bool(context is not None and context.isForwarded),
            ephemeral=event.IsEphemeral or bool(context is not None and context.expiration),
            mentions_all=bool(context is not None and context.nonJIDMentions),
            disappears_seconds=seconds(context.expiration) if context is not None else 0,
            secret=secret_of(event.Message, message, content),
            album_wa_id=album_of(event.Message, message),
        )
    ]


def read_undecryptable(data: bytes, reading: Reading) -> list[Event]:
    event = _neonize.UndecryptableMessage.FromString(data)
    key, sender = read_key(event.Info)
    return [MessageUndecryptable(key=key, sender=sender, timestamp=event.Info.Timestamp / 1000)]


def read_key(info: Any) -> tuple[MessageKey, Address]:
    """Which message it is, and who wrote it."""
    source = info.MessageSource
    sender = address(source.Sender, source.SenderAlt)
    if source.IsGroup or address(source.Chat).other is not None:
        chat = address(source.Chat)
        participant = sender
    else:
        chat = address(source.Chat, source.RecipientAlt if source.IsFromMe else source.SenderAlt)
        participant = None
    key = MessageKey(chat=chat, wa_id=text(info.ID), from_me=source.IsFromMe, participant=participant)
    return key, sender


def secret_of(outer: Any, inner: Any, content: Content, *, kept: bytes = b"") -> bytes | None:
    """What opens the answers to a poll or an appointment; nothing else needs it. ``kept`` is what a history says."""
    if not isinstance(content, Poll | CalendarEvent):
        return None
    found = inner.messageContextInfo.messageSecret or outer.messageContextInfo.messageSecret or kept
    return bytes(found) or None


def album_of(outer: Any, inner: Any) -> str | None:
    """The id of the album that a message says it belongs to."""
    for message in (inner, outer):
        association = message.messageContextInfo.messageAssociation
        if association.associationType == _e2e.MessageAssociation.MEDIA_ALBUM:
            return text(association.parentMessageKey.ID) or None
    return None


def quoted_id(context: Any | None) -> str | None:
    if context is None or not context.stanzaID:
        return None
    return text(context.stanzaID)


def mentions_of(context: Any | None) -> tuple[Address, ...]:
    if context is None:
        return ()
    jids = (parse_jid(value) for value in context.mentionedJID)
    return tuple(Address.of(jid) for jid in jids if jid is not None)
