"""Builds what a quote shows of the message that is answered: its words, or its kind with a small picture."""

from __future__ import annotations

from typing import Any

from sessions.content import (
    Audio,
    CalendarEvent,
    Contacts,
    Content,
    Document,
    File,
    Image,
    LiveLocation,
    Location,
    Menu,
    Poll,
    RemoteFile,
    Sticker,
    Text,
    Video,
)
from sessions.protobuf import load

_e2e: Any = load("waE2E.WAWebProtobufsE2E_pb2")
WORDS_LIMIT = 1000


def build_quoted(content: Content | None) -> Any:
    """The quoted message. Of a kind that has nothing to show only the fact of the quote remains."""
    match content:
        case Text(body=body) | Menu(body=body):
            return _e2e.Message(conversation=body[:WORDS_LIMIT])
        case Image() | Video() | Audio() | Document() | Sticker():
            return _quoted_file(content)
        case Location() | LiveLocation():
            place = {"degreesLatitude": content.latitude, "degreesLongitude": content.longitude}
            name = content.name if isinstance(content, Location) else content.caption
            return _e2e.Message(locationMessage=_e2e.LocationMessage(**place, name=name or ""))
        case Contacts(cards=cards) if cards:
            return _e2e.Message(contactMessage=_e2e.ContactMessage(displayName=cards[0].name, vcard=cards[0].vcard))
        case Poll():
            options = [_e2e.PollCreationMessage.Option(optionName=option) for option in content.options]
            poll = _e2e.PollCreationMessage(name=content.question, options=options)
            return _e2e.Message(pollCreationMessageV3=poll)
        case CalendarEvent():
            return _e2e.Message(eventMessage=_e2e.EventMessage(name=content.name, startTime=int(content.starts_at)))
        case _:
            return _e2e.Message(conversation="")


def _quoted_file(content: Image | Video | Audio | Document | Sticker) -> Any:
    fields = _file_fields(content.file)
    match content:
        case Image():
            return _e2e.Message(imageMessage=_e2e.ImageMessage(**fields, caption=_words(content.caption)))
        case Video(note=True):
            return _e2e.Message(ptvMessage=_e2e.VideoMessage(**fields))
        case Video():
            video = _e2e.VideoMessage(**fields, caption=_words(content.caption), gifPlayback=content.gif)
            return _e2e.Message(videoMessage=video)
        case Audio():
            fields.pop("JPEGThumbnail", None)
            return _e2e.Message(audioMessage=_e2e.AudioMessage(**fields, PTT=content.voice))
        case Sticker():
            fields.pop("JPEGThumbnail", None)
            return _e2e.Message(stickerMessage=_e2e.StickerMessage(**fields))
    name = content.file.filename or ""
    document = _e2e.DocumentMessage(**fields, fileName=name, title=name, caption=_words(content.caption))
    return _e2e.Message(documentMessage=document)


def _file_fields(file: File) -> dict[str, Any]:
    """What names the file, where it lies at WhatsApp already; of our own files the small picture is enough."""
    fields: dict[str, Any] = {"mimetype": file.mimetype, "fileLength": file.size}
    if file.thumbnail:
        fields["JPEGThumbnail"] = file.thumbnail
    if isinstance(file, RemoteFile):
        fields |= {
            "directPath": file.direct_path,
            "mediaKey": file.media_key,
            "fileSHA256": file.sha256,
            "fileEncSHA256": file.encrypted_sha256,
        }
    return fields


def _words(text: str | None) -> str:
    return (text or "")[:WORDS_LIMIT]
