"""What a message says: one tagged union, shared by what is sent and what arrives."""

from __future__ import annotations

from typing import Literal

import msgspec

from sessions.address import Address


class Part(msgspec.Struct, frozen=True, tag_field="type", kw_only=True):
    """Base of all content; ``type`` on the wire and in the store names the kind."""


class MenuOption(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a menu; ``id`` is its sender's own name for it."""

    id: str
    title: str
    description: str | None = None


EventAnswer = Literal["going", "not_going", "maybe"]


class MessageKey(msgspec.Struct, frozen=True, kw_only=True):
    """Names one message inside WhatsApp."""

    chat: Address
    wa_id: str
    from_me: bool
    participant: Address | None = None  #: who sent it, in a group


class OutgoingFile(msgspec.Struct, frozen=True, kw_only=True, tag_field="at", tag="here"):
    """A file on this host that a worker may read, with what the daemon has found out about it."""

    path: str
    size: int
    mimetype: str
    sha256: str
    filename: str | None = None
    width: int | None = None
    height: int | None = None
    seconds: int | None = None
    thumbnail: bytes | None = None  #: JPEG
    waveform: bytes | None = None  #: 64 samples of 0..100


class RemoteFile(msgspec.Struct, frozen=True, kw_only=True, tag_field="at", tag="whatsapp"):
    """A file on WhatsApp's media host, with the keys that open it."""

    direct_path: str
    media_key: bytes
    sha256: bytes
    encrypted_sha256: bytes
    size: int
    mimetype: str
    filename: str | None = None
    width: int | None = None
    height: int | None = None
    seconds: int | None = None
    thumbnail: bytes | None = None


File = OutgoingFile | RemoteFile


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """What is shown of the page that a text names."""

    url: str  #: as it stands in the text
    title: str
    description: str = ""
    thumbnail: bytes | None = None  #: JPEG


class Text(Part, frozen=True, tag="text"):
    body: str
    preview: Preview | None = None


class Image(Part, frozen=True, tag="image"):
    file: File
    caption: str | None = None
    view_once: bool = False


class Video(Part, frozen=True, tag="video"):
    file: File
    caption: str | None = None
    view_once: bool = False
    gif: bool = False
    note: bool = False  #: a round video note


class Audio(Part, frozen=True, tag="audio"):
    """Sound; ``voice`` marks a voice note (Ogg Opus, played from the microphone bubble)."""

    file: File
    voice: bool = False
    view_once: bool = False  #: a voice note that may be heard only once


class Document(Part, frozen=True, tag="document"):
    file: File
    caption: str | None = None


class Sticker(Part, frozen=True, tag="sticker"):
    file: File
    animated: bool = False


class Location(Part, frozen=True, tag="location"):
    """A place; degrees north and east."""

    latitude: float
    longitude: float
    name: str | None = None
    address: str | None = None


class LiveLocation(Part, frozen=True, tag="live_location"):
    """Where somebody is just now, as they share it for a while."""

    latitude: float
    longitude: float
    accuracy_meters: int | None = None
    speed_mps: float | None = None
    heading_degrees: int | None = None  #: clockwise from north
    caption: str | None = None
    sequence: int = 0


class ContactCard(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    vcard: str


class Contacts(Part, frozen=True, tag="contacts"):
    cards: tuple[ContactCard, ...]


class Poll(Part, frozen=True, tag="poll"):
    question: str
    options: tuple[str, ...]
    selectable: int = 1


class Sealed(msgspec.Struct, frozen=True, kw_only=True):
    """What only those can read who have the message that it is about; see :mod:`sessions.sealed`."""

    payload: bytes
    iv: bytes


class PollVote(Part, frozen=True, tag="poll_vote"):
    """Somebody's choice in a poll; it replaces their earlier one, and no options take it back."""

    target: MessageKey
    options: tuple[str, ...] = ()
    sealed: Sealed | None = None  #: on its way from and to WhatsApp, in place of the options


class CalendarEvent(Part, frozen=True, tag="event"):
    """An appointment. Times are seconds since 1970."""

    name: str
    starts_at: float
    ends_at: float | None = None
    description: str | None = None
    place: Location | None = None
    join_link: str | None = None
    guests_allowed: bool = False
    cancelled: bool = False


class EventReply(Part, frozen=True, tag="event_reply"):
    """Whether somebody comes to an appointment; it replaces their earlier answer."""

    target: MessageKey
    answer: EventAnswer | None = None
    guests: int = 0
    sealed: Sealed | None = None  #: on its way from and to WhatsApp, in place of the answer


class Menu(Part, frozen=True, tag="menu"):
    """A choice written as text with numbers, since WhatsApp does not show buttons of unofficial clients reliably."""

    body: str
    options: tuple[MenuOption, ...]
    footer: str | None = None


class Album(Part, frozen=True, tag="album"):
    """Announces pictures and videos that follow and are shown as one."""

    images: int
    videos: int


class Pin(Part, frozen=True, tag="pin"):
    """Another message stands at the top of the chat for so long; 0 seconds take it away."""

    target: MessageKey
    seconds: int = 0


class Timer(Part, frozen=True, tag="timer"):
    """Messages written from now on disappear after so long; 0 seconds: they stay."""

    seconds: int


class Reaction(Part, frozen=True, tag="reaction"):
    """An emoji on another message; empty removes it."""

    target: MessageKey
    emoji: str


class Edit(Part, frozen=True, tag="edit"):
    target: MessageKey
    body: str


class Revoke(Part, frozen=True, tag="revoke"):
    target: MessageKey


class Unsupported(Part, frozen=True, tag="unsupported"):
    """Something arrived that this version does not read; ``name`` is WhatsApp's field name."""

    name: str
    raw: bytes = b""  #: the message itself, as long as it is not too large to keep


Content = (
    Text
    | Image
    | Video
    | Audio
    | Document
    | Sticker
    | Location
    | Contacts
    | Poll
    | PollVote
    | LiveLocation
    | CalendarEvent
    | EventReply
    | Menu
    | Album
    | Pin
    | Timer
    | Reaction
    | Edit
    | Revoke
    | Unsupported
)
MediaContent = Image | Video | Audio | Document | Sticker
MediaKind = Literal["image", "video", "audio", "document", "sticker"]


class Quote(msgspec.Struct, frozen=True, kw_only=True):
    """The message that another one answers."""

    wa_id: str
    sender: Address
    content: Content | None = None  #: what the quote shows


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """One outgoing message, ready for a worker.

    ``secret`` is 32 random bytes persisted before the call: the key store files the WhatsApp id under it before the
    frame is written, so after a crash it proves whether the message can have reached WhatsApp.
    """

    to: Address
    content: Content
    secret: bytes
    quote: Quote | None = None
    mentions: tuple[Address, ...] = ()
    mentions_all: bool = False
    forwarded: bool = False
    disappears_seconds: int = 0  #: the timer of the chat
    album: MessageKey | None = None  #: the album that this picture or video belongs to


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """WhatsApp's server has taken the message."""

    wa_id: str
    chat: Address
    sender: Address
    timestamp: float  #: seconds since 1970, WhatsApp's clock
