"""What a phone shows of a message that reached it: WhatsApp's protobuf as the control API's JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sessions.protobuf import load
from sessions.sandbox.media.crypto import MediaType
from sessions.sandbox.phones.more_reading import MORE_READERS, context_of, preview_of
from sessions.sandbox.phones.shown import FileReference, Json, Reading

E2E = load("waE2E.WAWebProtobufsE2E_pb2")

#: Messages that only carry another message, and where it is.
_WRAPPERS = {
    "ephemeralMessage": "message",
    "viewOnceMessage": "message",
    "viewOnceMessageV2": "message",
    "viewOnceMessageV2Extension": "message",
    "documentWithCaptionMessage": "message",
    "editedMessage": "message",
    "lottieStickerMessage": "message",
}
#: Parts of a message that say nothing by themselves.
_SILENT = frozenset({"senderKeyDistributionMessage", "messageContextInfo"})
_POLLS = ("pollCreationMessage", "pollCreationMessageV2", "pollCreationMessageV3")


def read_message(message: Any) -> Reading | None:
    """What the message says; None where it says nothing to a person."""
    inner = _unwrapped(message)
    names = [field.name for field, _ in inner.ListFields() if field.name not in _SILENT]
    if not names:
        return None
    for name in names:
        if name in _READERS:
            reading = _READERS[name](getattr(inner, name))
            return Reading(reading.type, {**reading.fields, **context_of(getattr(inner, name))}, reading.file)
    return Reading("unsupported", {"unsupported": {"name": names[0]}})


def _unwrapped(message: Any) -> Any:
    for wrapper, place in _WRAPPERS.items():
        if message.HasField(wrapper):
            return _unwrapped(getattr(getattr(message, wrapper), place))
    return message


def _conversation(part: str) -> Reading:
    return Reading("text", {"text": {"body": part}})


def _extended_text(part: Any) -> Reading:
    return Reading("text", {"text": {"body": part.text, **preview_of(part)}})


def _file(kind: str, media_type: MediaType, *, note: bool = False) -> Callable[[Any], Reading]:
    def read(part: Any) -> Reading:
        name = "voice" if kind == "audio" and part.PTT else kind
        reference = FileReference(
            direct_path=part.directPath,
            media_key=part.mediaKey,
            media_type=media_type,
            sha256=part.fileSHA256,
            encrypted_sha256=part.fileEncSHA256,
            mimetype=part.mimetype,
            filename=getattr(part, "fileName", "") or None,
        )
        return Reading(name, {name: _file_json(part, reference, note=note)}, reference)

    return read


def _file_json(part: Any, reference: FileReference, *, note: bool) -> Json:
    shown: dict[str, Json] = {
        "mimetype": part.mimetype,
        "size": part.fileLength,
        "sha256": part.fileSHA256.hex(),
    }
    optional: dict[str, Json] = {
        "filename": reference.filename,
        "caption": getattr(part, "caption", "") or None,
        "seconds": getattr(part, "seconds", 0) or None,
        "width": getattr(part, "width", 0) or None,
        "height": getattr(part, "height", 0) or None,
        "view_once": getattr(part, "viewOnce", False) or None,
        "gif": getattr(part, "gifPlayback", False) or None,
        "note": note or None,
    }
    return shown | {name: value for name, value in optional.items() if value is not None}


def _location(part: Any) -> Reading:
    place: dict[str, Json] = {"latitude": part.degreesLatitude, "longitude": part.degreesLongitude}
    if getattr(part, "name", ""):
        place["name"] = part.name
    if getattr(part, "address", ""):
        place["address"] = part.address
    return Reading("location", {"location": place})


def _contact(part: Any) -> Reading:
    return Reading("contacts", {"contacts": [{"name": part.displayName, "vcard": part.vcard}]})


def _contacts(part: Any) -> Reading:
    cards: list[Json] = [{"name": card.displayName, "vcard": card.vcard} for card in part.contacts]
    return Reading("contacts", {"contacts": cards})


def _reaction(part: Any) -> Reading:
    return Reading("reaction", {"reaction": {"message_id": part.key.ID, "emoji": part.text}})


def _poll(part: Any) -> Reading:
    options: list[Json] = [option.optionName for option in part.options]
    poll: Json = {"question": part.name, "options": options, "selectable": part.selectableOptionsCount}
    return Reading("poll", {"poll": poll})


def _protocol(part: Any) -> Reading:
    if part.type == part.REVOKE:
        return Reading("revoke", {"revoke": {"message_id": part.key.ID}})
    if part.type == part.MESSAGE_EDIT:
        edited = read_message(part.editedMessage)
        fields = edited.fields if edited else {}
        return Reading("edit", {"edit": {"message_id": part.key.ID}, **fields})
    if part.type == part.EPHEMERAL_SETTING:
        return Reading("timer", {"timer": {"seconds": part.ephemeralExpiration}})
    return Reading("protocol", {"protocol": {"name": E2E.ProtocolMessage.Type.Name(part.type).lower()}})


_READERS: dict[str, Callable[[Any], Reading]] = {
    "conversation": _conversation,
    "extendedTextMessage": _extended_text,
    "imageMessage": _file("image", MediaType.IMAGE),
    "videoMessage": _file("video", MediaType.VIDEO),
    "ptvMessage": _file("video", MediaType.VIDEO, note=True),
    "audioMessage": _file("audio", MediaType.AUDIO),
    "documentMessage": _file("document", MediaType.DOCUMENT),
    "stickerMessage": _file("sticker", MediaType.IMAGE),
    "locationMessage": _location,
    "contactMessage": _contact,
    "contactsArrayMessage": _contacts,
    "reactionMessage": _reaction,
    "protocolMessage": _protocol,
    **dict.fromkeys(_POLLS, _poll),
    **MORE_READERS,
}
