"""What a phone is asked to send: the control API's JSON as WhatsApp's protobuf."""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Callable
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from sessions.sandbox.media.crypto import MediaType, SealedFile, seal
from sessions.sandbox.phones.more_writing import (
    AlbumInput,
    EventInput,
    EventReplyInput,
    LiveLocationInput,
    PinInput,
    PollInput,
    PollVoteInput,
    PreviewInput,
    RawInput,
    TimerInput,
    with_preview,
    write_album,
    write_event,
    write_live_location,
    write_pin,
    write_poll,
    write_raw,
    write_timer,
)
from sessions.sandbox.phones.reading import E2E

LARGEST_TEXT = 65_536
_STANZA_TYPES = {"reaction": "reaction", "poll": "poll", "poll_vote": "poll", "event": "event", "event_reply": "event"}
_FILE_KINDS = ("image", "video", "audio", "voice", "document", "sticker")
_DEFAULT_MIMETYPES = {
    "image": "image/jpeg",
    "video": "video/mp4",
    "audio": "audio/mpeg",
    "voice": "audio/ogg; codecs=opus",
    "document": "application/octet-stream",
    "sticker": "image/webp",
}


class _Input(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TextInput(_Input):
    """Plain text."""

    body: str = Field(min_length=1, max_length=LARGEST_TEXT)
    preview: PreviewInput | None = None


class FileInput(_Input):
    """A file, as base64, with what the message says about it."""

    base64: str
    mimetype: str | None = Field(default=None, max_length=200)
    caption: str | None = Field(default=None, max_length=LARGEST_TEXT)
    filename: str | None = Field(default=None, max_length=255)
    seconds: int | None = Field(default=None, ge=0)
    view_once: bool = False
    gif: bool = False
    note: bool = False

    @field_validator("base64")
    @classmethod
    def _valid(cls, text: str) -> str:
        try:
            base64.b64decode(text, validate=True)
        except binascii.Error as error:
            raise ValueError("not base64") from error
        return text

    @property
    def data(self) -> bytes:
        """The file itself."""
        return base64.b64decode(self.base64)


class LocationInput(_Input):
    """A place; degrees north and east."""

    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)
    name: str | None = None
    address: str | None = None


class CardInput(_Input):
    """One contact card."""

    name: str
    vcard: str


class ReactionInput(_Input):
    """An emoji on another message; empty removes it."""

    message_id: str = Field(min_length=1)
    emoji: str = Field(max_length=32)


class RevokeInput(_Input):
    """Delete one of the phone's own messages for everyone."""

    message_id: str = Field(min_length=1)


class EditInput(_Input):
    """Change the text of one of the phone's own messages."""

    message_id: str = Field(min_length=1)
    body: str = Field(min_length=1, max_length=LARGEST_TEXT)


class OutgoingMessage(_Input):
    """One message that a phone shall send. The object named like the type says what; `id` may repeat an earlier one."""

    to: str = Field(min_length=1, max_length=100)
    type: Literal[
        "text",
        "image",
        "video",
        "audio",
        "voice",
        "document",
        "sticker",
        "location",
        "contacts",
        "reaction",
        "revoke",
        "edit",
        "live_location",
        "poll",
        "poll_vote",
        "event",
        "event_reply",
        "pin",
        "timer",
        "album",
        "raw",
    ] = "text"
    id: str | None = Field(default=None, pattern=r"^[A-Za-z0-9.\-]{1,64}$")
    reply_to: str | None = None
    text: TextInput | None = None
    image: FileInput | None = None
    video: FileInput | None = None
    audio: FileInput | None = None
    voice: FileInput | None = None
    document: FileInput | None = None
    sticker: FileInput | None = None
    location: LocationInput | None = None
    contacts: list[CardInput] | None = Field(default=None, min_length=1, max_length=50)
    reaction: ReactionInput | None = None
    revoke: RevokeInput | None = None
    edit: EditInput | None = None
    live_location: LiveLocationInput | None = None
    poll: PollInput | None = None
    poll_vote: PollVoteInput | None = None
    event: EventInput | None = None
    event_reply: EventReplyInput | None = None
    pin: PinInput | None = None
    timer: TimerInput | None = None
    album: AlbumInput | None = None
    raw: RawInput | None = None

    @model_validator(mode="after")
    def _says_what_its_type_says(self) -> OutgoingMessage:
        if getattr(self, self.type) is None:
            raise ValueError(f"a message of type {self.type} needs the object {self.type!r}")
        return self

    @property
    def file(self) -> FileInput | None:
        """The file to upload first, if there is one."""
        return getattr(self, self.type) if self.type in _FILE_KINDS else None


def seal_file(message: OutgoingMessage, file: FileInput) -> SealedFile:
    """Encrypt the message's file for the media host."""
    return seal(file.data, media_type_of(message.type))


def media_type_of(kind: str) -> MediaType:
    """Which keys a kind of message uses for its file."""
    aliases = {"sticker": MediaType.IMAGE, "voice": MediaType.AUDIO}
    return aliases.get(kind) or MediaType(kind)


def write_file_message(message: OutgoingMessage, file: FileInput, *, sealed: SealedFile, direct_path: str) -> Any:
    """The protobuf of a message whose file lies on the media host."""
    written = E2E.Message()
    field = "audioMessage" if message.type == "voice" else f"{message.type}Message"
    field = "ptvMessage" if file.note else field
    part = getattr(written, field)
    part.URL = f"https://mmg.whatsapp.net{direct_path}"
    part.directPath = direct_path
    part.mimetype = file.mimetype or _DEFAULT_MIMETYPES[message.type]
    part.fileLength = sealed.size
    part.fileSHA256, part.fileEncSHA256 = sealed.sha256, sealed.encrypted_sha256
    part.mediaKey, part.mediaKeyTimestamp = sealed.media_key, int(time.time())
    if message.type == "document":
        part.fileName = part.title = file.filename or "document"
    if file.caption and message.type in ("image", "video", "document"):
        part.caption = file.caption
    if file.seconds is not None and message.type in ("audio", "voice", "video"):
        part.seconds = file.seconds
    if message.type == "voice":
        part.PTT = True
    if file.gif:
        part.gifPlayback = True
    if not file.view_once:
        return written
    part.viewOnce = True
    if message.type == "voice":
        return E2E.Message(viewOnceMessageV2Extension=E2E.FutureProofMessage(message=written))
    return E2E.Message(viewOnceMessageV2=E2E.FutureProofMessage(message=written))


def write_message(message: OutgoingMessage, *, key_of: Callable[[str], Any]) -> Any:
    """The protobuf of a message without a file; `key_of` gives the MessageKey of another message of the chat."""
    written = E2E.Message()
    match message.type:
        case "text" if message.text:
            if message.text.preview:
                return with_preview(message.text.body, message.text.preview)
            written.conversation = message.text.body
        case "location" if message.location:
            _write_location(written.locationMessage, message.location)
        case "contacts" if message.contacts:
            _write_contacts(written, message.contacts)
        case "reaction" if message.reaction:
            _write_reaction(written.reactionMessage, message.reaction, key_of(message.reaction.message_id))
        case "revoke" if message.revoke:
            written.protocolMessage.key.CopyFrom(key_of(message.revoke.message_id))
            written.protocolMessage.type = E2E.ProtocolMessage.REVOKE
        case "edit" if message.edit:
            _write_edit(written.protocolMessage, message.edit, key_of(message.edit.message_id))
        case _:
            return _write_more(message, key_of)
    return written


def _write_more(message: OutgoingMessage, key_of: Callable[[str], Any]) -> Any:
    part = getattr(message, message.type)
    if isinstance(part, PinInput):
        return write_pin(part, key_of(part.message_id))
    return _MORE[message.type](part)


_MORE: dict[str, Callable[[Any], Any]] = {
    "live_location": write_live_location,
    "poll": write_poll,
    "event": write_event,
    "timer": write_timer,
    "album": write_album,
    "raw": write_raw,
}


def add_quote(written: Any, *, message_id: str, author: str, body: str) -> None:
    """Make a message the answer to another one."""
    if written.HasField("conversation"):
        text = written.conversation
        written.ClearField("conversation")
        written.extendedTextMessage.text = text
    for field, part in written.ListFields():
        if hasattr(part, "contextInfo"):
            info = getattr(written, field.name).contextInfo
            info.stanzaID, info.participant = message_id, author
            info.quotedMessage.conversation = body


def stanza_type(message: OutgoingMessage) -> str:
    """The type attribute that the service sees from outside."""
    if message.file:
        return "media"
    return _STANZA_TYPES.get(message.type, "text")


def _write_location(part: Any, location: LocationInput) -> None:
    part.degreesLatitude, part.degreesLongitude = location.latitude, location.longitude
    if location.name:
        part.name = location.name
    if location.address:
        part.address = location.address


def _write_contacts(written: Any, cards: list[CardInput]) -> None:
    if len(cards) == 1:
        written.contactMessage.displayName, written.contactMessage.vcard = cards[0].name, cards[0].vcard
        return
    written.contactsArrayMessage.displayName = f"{len(cards)} contacts"
    for card in cards:
        written.contactsArrayMessage.contacts.add(displayName=card.name, vcard=card.vcard)


def _write_reaction(part: Any, reaction: ReactionInput, key: Any) -> None:
    part.key.CopyFrom(key)
    part.text = reaction.emoji
    part.senderTimestampMS = int(time.time() * 1000)


def _write_edit(part: Any, edit: EditInput, key: Any) -> None:
    part.key.CopyFrom(key)
    part.type = E2E.ProtocolMessage.MESSAGE_EDIT
    part.editedMessage.conversation = edit.body
    part.timestampMS = int(time.time() * 1000)
