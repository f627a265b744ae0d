"""Content between the engine's vocabulary and the columns of the message table."""

from __future__ import annotations

from typing import Any, cast

import msgspec

from gateway.messages.models import Message
from sessions.content import (
    Audio,
    CalendarEvent,
    Contacts,
    Content,
    Document,
    Edit,
    File,
    Image,
    LiveLocation,
    Location,
    MediaContent,
    Menu,
    OutgoingFile,
    Poll,
    PollVote,
    Reaction,
    Sticker,
    Text,
    Video,
)

#: The kinds that carry a file.
MEDIA_TYPES = (Image, Video, Audio, Document, Sticker)


def encode_content(content: Content) -> dict[str, Any]:
    """What the ``content`` column holds. A file of ours is named by ``media_id`` there, not by its path."""
    if isinstance(content, MEDIA_TYPES) and isinstance(content.file, OutgoingFile):
        bare = msgspec.structs.replace(content.file, path="", thumbnail=None, waveform=None)
        content = with_file(content, bare)
    return cast(dict[str, Any], _without_nulls(msgspec.to_builtins(content)))


def decode_content(stored: Any) -> Content:
    """The content behind the column."""
    content: Content = msgspec.convert(stored, type=Content, strict=False)
    return content


def with_file(content: MediaContent, file: File) -> MediaContent:
    """The same content around another file."""
    return msgspec.structs.replace(content, file=file)


def type_of(content: Content) -> str:
    """The word for this kind, as it stands in the table and at the edge."""
    return str(type(content).__struct_config__.tag)


def is_voice(message: Message) -> bool:
    """Whether this is a voice message, as opposed to a file with sound in it."""
    return message.type == "audio" and bool(message.content.get("voice"))


def body_of(content: Content) -> str:
    """The words of a message, for lists, quotes and the search."""
    return _words(content).replace("\x00", "")


def _words(content: Content) -> str:
    match content:
        case Text(body=body) | Edit(body=body) | Menu(body=body):
            return body
        case (
            Image(caption=caption) | Video(caption=caption) | Document(caption=caption) | LiveLocation(caption=caption)
        ):
            return caption or ""
        case Location(name=name, address=address):
            return " ".join(part for part in (name, address) if part)
        case Contacts(cards=cards):
            return ", ".join(card.name for card in cards)
        case Poll(question=words) | CalendarEvent(name=words) | Reaction(emoji=words):
            return words
        case PollVote(options=options):
            return ", ".join(options)
    return ""


def _without_nulls(value: Any) -> Any:
    """PostgreSQL keeps no null character, and whoever writes to us may send one."""
    if isinstance(value, str):
        return value.replace("\x00", "")
    if isinstance(value, dict):
        return {key: _without_nulls(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nulls(inner) for inner in value]
    return value
