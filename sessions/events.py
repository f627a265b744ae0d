"""What a session reports: one tagged union of facts, wrapped with its journal number."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from sessions.address import Address
from sessions.channels import Channel, Post
from sessions.content import Content, MessageKey
from sessions.groups import GroupInfo
from sessions.status import Reason


class Fact(msgspec.Struct, frozen=True, tag_field="kind", kw_only=True):
    """Base of everything a session reports. Times are seconds since 1970."""


class ReceiptKind(StrEnum):
    DELIVERED = "delivered"
    READ = "read"
    PLAYED = "played"
    READ_BY_SELF = "read_by_self"  #: read on another device of the linked account
    PLAYED_BY_SELF = "played_by_self"
    RETRY = "retry"  #: the recipient could not decrypt it
    SENDER = "sender"  #: another own device has it
    OTHER = "other"


class MessageReceived(Fact, frozen=True, tag="message"):
    """A message arrived, from somebody else or (``from_me``) typed on the linked phone."""

    key: MessageKey
    sender: Address
    push_name: str
    timestamp: float
    content: Content
    quoted_wa_id: str | None = None
    mentions: tuple[Address, ...] = ()
    forwarded: bool = False
    ephemeral: bool = False
    mentions_all: bool = False
    disappears_seconds: int = 0
    secret: bytes | None = None  #: of a poll or an appointment: opens the answers to it, see :mod:`sessions.sealed`
    album_wa_id: str | None = None  #: the album that it belongs to


class MessageUndecryptable(Fact, frozen=True, tag="undecryptable"):
    key: MessageKey
    sender: Address
    timestamp: float


class ReceiptReceived(Fact, frozen=True, tag="receipt"):
    """Somebody has, read or played messages that this account sent (or, ``*_by_self``, received)."""

    chat: Address
    by: Address
    wa_ids: tuple[str, ...]
    receipt: ReceiptKind
    timestamp: float


class Typing(Fact, frozen=True, tag="typing"):
    chat: Address
    who: Address
    state: str  #: composing, recording or paused


class PresenceChanged(Fact, frozen=True, tag="presence"):
    who: Address
    online: bool
    last_seen: float | None = None


class PictureChanged(Fact, frozen=True, tag="picture"):
    who: Address
    removed: bool


class GroupJoined(Fact, frozen=True, tag="group_joined"):
    """The account is in a group now: it made it, was added, or (``reason`` says so) followed an invite link."""

    group: GroupInfo
    actor: Address | None = None
    reason: str = ""


class GroupChanged(Fact, frozen=True, tag="group"):
    """A group was changed; only what changed is set. In ``left`` may stand the account itself."""

    group: Address
    actor: Address | None = None
    timestamp: float = 0.0
    subject: str | None = None
    description: str | None = None  #: empty: it was removed
    announce: bool | None = None
    locked: bool | None = None
    ephemeral_seconds: int | None = None
    invite_link: str | None = None  #: the new one; the old one leads nowhere any more
    deleted: bool = False
    joined: tuple[Address, ...] = ()
    left: tuple[Address, ...] = ()
    promoted: tuple[Address, ...] = ()
    demoted: tuple[Address, ...] = ()
    asked_to_join: tuple[Address, ...] = ()
    community: Address | None = None  #: that it was put into
    left_community: Address | None = None
    linked: Address | None = None  #: a group that was put into this community
    unlinked: Address | None = None


class CallReceived(Fact, frozen=True, tag="call"):
    call_id: str
    caller: Address
    phase: str  #: offer, accept or terminate
    video: bool
    timestamp: float
    reason: str = ""  #: of a terminate, as WhatsApp puts it: `accepted_elsewhere`, `rejected_elsewhere`, `timeout` ...


class PrivacyChanged(Fact, frozen=True, tag="privacy"):
    """Who sees what of the linked account was changed on another of its devices; what it is now has to be asked."""

    changed: tuple[str, ...]


class BlocklistChanged(Fact, frozen=True, tag="blocklist"):
    """The account has blocked people on another of its devices. Nobody named: the whole list may be another."""

    blocked: tuple[Address, ...] = ()
    unblocked: tuple[Address, ...] = ()


class ChannelJoined(Fact, frozen=True, tag="channel_joined"):
    """The account follows a channel from now on."""

    channel: Channel


class ChannelLeft(Fact, frozen=True, tag="channel_left"):
    channel: Address


class ChannelMuted(Fact, frozen=True, tag="channel_muted"):
    channel: Address
    muted: bool


class ChannelUpdated(Fact, frozen=True, tag="channel_updated"):
    """Posts of a channel were seen or reacted to; told while somebody asks for it."""

    channel: Address
    posts: tuple[Post, ...]


class PushNames(Fact, frozen=True, tag="push_names"):
    """Names that people gave themselves, from the history the phone shared after linking."""

    names: tuple[tuple[Address, str], ...]


class HistoryStage(StrEnum):
    """Which part of its past a phone shares; they come in this order."""

    BOOTSTRAP = "bootstrap"  #: the newest messages of each chat
    RECENT = "recent"
    FULL = "full"
    OTHER = "other"


class HistoryChat(msgspec.Struct, frozen=True, kw_only=True):
    """A chat that the phone knows."""

    chat: Address
    title: str | None = None  #: of a group or channel


class HistoryReceived(Fact, frozen=True, tag="history"):
    """A piece of the history that the phone shared after linking; ``progress`` of its stage in percent."""

    messages: tuple[MessageReceived, ...]
    progress: int
    stage: HistoryStage = HistoryStage.OTHER
    chats: tuple[HistoryChat, ...] = ()  #: in the first piece of what came at once
    unread: frozenset[str] = frozenset()  #: WhatsApp's ids of those of these messages that nobody has read
    is_last: bool = False  #: the last piece of what came at once, and how many messages that was
    count: int = 0


class Paired(Fact, frozen=True, tag="paired"):
    """A phone has linked itself."""

    me: Address
    device: int
    platform: str
    business_name: str = ""


class Identified(Fact, frozen=True, tag="identified"):
    """Who this session is, sent at every login."""

    me: Address
    device: int
    push_name: str


class Connected(Fact, frozen=True, tag="connected"):
    """Logged in; frames flow."""


class OfflineSyncCompleted(Fact, frozen=True, tag="offline_sync"):
    """What WhatsApp had kept while the session was away has been delivered."""

    count: int


class Disconnected(Fact, frozen=True, tag="disconnected"):
    reason: Reason = Reason.CONNECTION_LOST


class KeepAlive(Fact, frozen=True, tag="keep_alive"):
    """WhatsApp stopped answering pings (``failures`` in a row) or answers again (0)."""

    failures: int


class Ended(Fact, frozen=True, tag="ended"):
    """The session cannot go on by itself: logged out, banned, replaced, outdated."""

    reason: Reason
    until: float | None = None  #: end of a temporary ban, seconds since 1970
    code: int | None = None  #: WhatsApp's own number for it


class QrShown(Fact, frozen=True, tag="qr"):
    """A QR code is on offer. Never stored, never logged."""

    code: str
    valid_seconds: float
    index: int


class PairingEnded(Fact, frozen=True, tag="pairing_ended"):
    """A pairing attempt ended without a link."""

    reason: Reason


class Unparsed(Fact, frozen=True, tag="unparsed"):
    """An event that could not be read; kept raw in the journal's quarantine and counted."""

    event_code: int
    error: str


class Withheld(Fact, frozen=True, tag="withheld"):
    """In place of a report that no frame can hold: what it came from is kept raw in the quarantine, and it is counted."""

    what: str  #: the kind of fact that it would have been
    error: str


Event = (
    MessageReceived
    | MessageUndecryptable
    | ReceiptReceived
    | Typing
    | PresenceChanged
    | PictureChanged
    | GroupJoined
    | GroupChanged
    | CallReceived
    | PrivacyChanged
    | BlocklistChanged
    | ChannelJoined
    | ChannelLeft
    | ChannelMuted
    | ChannelUpdated
    | PushNames
    | HistoryReceived
    | Paired
    | Identified
    | Connected
    | OfflineSyncCompleted
    | Disconnected
    | KeepAlive
    | Ended
    | QrShown
    | PairingEnded
    | Unparsed
    | Withheld
)


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """One event of one session. ``seq`` is its journal number, 0 for what is never journalled (QR codes, typing).

    One journal entry may give several reports (a history does): they share the number and all but the last say
    ``more``.
    """

    session_id: str
    seq: int
    received_at: float  #: seconds since 1970, this host's clock, when the engine handed it over
    event: Event
    more: bool = False
