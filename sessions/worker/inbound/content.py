"""Reads what a WhatsApp message says: finds the one field that matters and hands it to its reader."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sessions.address import Address
from sessions.content import Content, Unsupported
from sessions.worker.inbound import gatherings, media, places, texts
from sessions.worker.inbound.actions import ACTIONS, read_action
from sessions.worker.inbound.context import Reading

_READERS: dict[str, Callable[[Any, bool], Content]] = {
    "conversation": texts.read_conversation,
    "extendedTextMessage": texts.read_extended_text,
    "imageMessage": media.read_image,
    "videoMessage": media.read_video,
    "ptvMessage": media.read_video_note,
    "audioMessage": media.read_audio,
    "documentMessage": media.read_document,
    "stickerMessage": media.read_sticker,
    "locationMessage": places.read_location,
    "liveLocationMessage": places.read_live_location,
    "contactMessage": places.read_contact,
    "contactsArrayMessage": places.read_contacts,
    "pollCreationMessage": texts.read_poll,
    "pollCreationMessageV2": texts.read_poll,
    "pollCreationMessageV3": texts.read_poll,
    "pollCreationMessageV5": texts.read_poll,
    "eventMessage": gatherings.read_event,
    "albumMessage": gatherings.read_album,
}
#: Longer ones are named only: a row of the message table is no place for a history.
_LONGEST_RAW = 32_768

#: What comes along with a message, or alone, without being one.
_COMPANIONS = frozenset(
    {
        "messageContextInfo",
        "senderKeyDistributionMessage",
        "fastRatchetKeySenderKeyDistributionMessage",
        "stickerSyncRmrMessage",
        "groupRootKeyShare",
        "rootSecretDistributeMessage",
    }
)


def read_content(
    message: Any, *, view_once: bool, chat: Address, author: Address, from_me: bool, reading: Reading
) -> Content | None:
    """What an unwrapped message says; None if it is not meant for people (keys being handed out, say)."""
    names = [field.name for field, _ in message.ListFields() if field.name not in _COMPANIONS]
    if not names:
        return None
    known = next((name for name in names if name in _READERS), None)
    if known is not None:
        return _READERS[known](getattr(message, known), view_once)
    action = next((name for name in names if name in ACTIONS), None)
    if action is not None:
        return read_action(message, action, chat=chat, author=author, from_me=from_me, reading=reading)
    raw = bytes(message.SerializeToString())
    return Unsupported(name=names[0], raw=raw if len(raw) <= _LONGEST_RAW else b"")
