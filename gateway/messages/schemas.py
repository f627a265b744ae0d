"""How messages look at the edge; :mod:`gateway.messages.render` fills these in."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from gateway.api.fields import ChatId, ContactId, UtcTime
from gateway.api.paging import DEFAULT_LIMIT, MAXIMUM_LIMIT, PageQuery
from gateway.messages.shapes import (
    AlbumOut,
    ContactsOut,
    EditOut,
    EventOut,
    EventReplyOut,
    FileOut,
    LiveLocationOut,
    LocationOut,
    MenuOut,
    PinOut,
    PollOut,
    PollVoteOut,
    ReactionContentOut,
    TargetOut,
    TextOut,
    TimerOut,
    UnsupportedOut,
)
from gateway.messages.states import MessageState

MessageType = Literal[
    "text",
    "image",
    "video",
    "audio",
    "document",
    "sticker",
    "location",
    "contacts",
    "poll",
    "live_location",
    "event",
    "menu",
    "album",
    "timer",
    "reaction",
    "edit",
    "revoke",
    "pin",
    "poll_vote",
    "event_reply",
    "unsupported",
]


class Party(BaseModel):
    """Somebody, under every name known."""

    phone: str | None = Field(examples=["+4915112345678"])
    lid: str | None
    jid: str | None
    name: str | None
    group: str | None = Field(None, description="The group that the message was written in.")


class SessionUsageOut(BaseModel):
    session: str
    files: int
    bytes: int
    quota_bytes: int | None
    keep_days: int | None = Field(description="How long files are kept; null: for ever.")


class MediaUsageOut(BaseModel):
    """Room that files take."""

    files: int
    bytes: int
    quota_bytes: int | None = Field(description="Of all files together; null: no limit.")
    sessions: list[SessionUsageOut] = Field(description="A file that two sessions have counts for both.")


class ErrorOut(BaseModel):
    code: str = Field(examples=["recipient_unknown"])
    detail: str | None


class ReplyOut(BaseModel):
    id: str | None
    wa_id: str | None


class WaitingOut(BaseModel):
    """Why something has not gone yet."""

    code: str = Field(examples=["session_not_connected"])
    until: str | None = Field(description="The end of the wait, where it is known.")
    position: int | None = Field(description="About how many go first; only for one message, not in lists.")


class MessageOut(BaseModel):
    """One message. The object named like ``type`` says what it says; ``from`` stands in what arrived, ``to`` in what goes out."""

    model_config = ConfigDict(populate_by_name=True)

    id: str = Field(examples=["msg_0dq1m8k3v2a7c"])
    session: str
    chat: str
    contact: str | None
    direction: Literal["in", "out"]
    origin: Literal["api", "whatsapp", "phone", "history"]
    type: MessageType
    state: MessageState
    reason: str | None = Field(description="Why it was put back, held or skipped.")
    waiting_for: WaitingOut | None = Field(
        None, description="Why it has not gone yet. In answers to GET, of messages that are waiting or under way."
    )
    from_: Party | None = Field(None, alias="from")
    to: Party | None = None
    text: TextOut | None = None
    image: FileOut | None = None
    video: FileOut | None = None
    audio: FileOut | None = None
    document: FileOut | None = None
    sticker: FileOut | None = None
    location: LocationOut | None = None
    live_location: LiveLocationOut | None = None
    contacts: ContactsOut | None = None
    poll: PollOut | None = None
    event: EventOut | None = None
    menu: MenuOut | None = None
    album: AlbumOut | None = None
    timer: TimerOut | None = None
    reaction: ReactionContentOut | None = None
    edit: EditOut | None = None
    revoke: TargetOut | None = None
    pin: PinOut | None = None
    poll_vote: PollVoteOut | None = None
    event_reply: EventReplyOut | None = None
    unsupported: UnsupportedOut | None = None
    mentions: list[str]
    reply_to: ReplyOut | None
    forwarded: bool
    wa_id: str | None = Field(description="WhatsApp's own id, once there is one.")
    client_ref: str | None
    purpose: str | None
    priority: Literal["high", "normal", "low"]
    attempts: int
    on_uncertain: Literal["hold", "resend"] | None
    may_be_double: bool = Field(description="It was sent again without proof that the first try was lost.")
    error: ErrorOut | None
    created_at: str
    due_at: str | None
    expires_at: str | None
    written_at: str | None = Field(description="WhatsApp's time of what arrived.")
    sent_at: str | None
    delivered_at: str | None
    read_at: str | None
    played_at: str | None
    edited_at: str | None
    revoked_at: str | None


class MessagePage(BaseModel):
    items: list[MessageOut]
    next: str | None


class MessageQuery(PageQuery):
    """Filters; each one given narrows the list."""

    session: str | None = Field(None, max_length=100, description="A session's id or name.")
    chat: ChatId | None = None
    contact: ContactId | None = None
    direction: Literal["in", "out"] | None = None
    state: str | None = Field(None, max_length=200, description="One state, or several with commas.")
    type: MessageType | None = None
    client_ref: str | None = Field(None, max_length=120)
    since: UtcTime | None = None
    until: UtcTime | None = None


class ChatMessagePage(MessagePage):
    """Newest first. ``next`` leads to what was said before, ``previous`` to what was said after."""

    previous: str | None = Field(description="Give it as `before`; on the newest page, for what comes in later.")


class ChatMessageQuery(BaseModel):
    """A page of one chat's messages, always newest first."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(DEFAULT_LIMIT, ge=1, le=MAXIMUM_LIMIT, description="How many items at most.")
    after: str | None = Field(
        None, max_length=200, description="The `next` of a page, or a message's id: what was said before that one."
    )
    before: str | None = Field(
        None, max_length=200, description="The `previous` of a page, or a message's id: what was said after that one."
    )
    after_time: UtcTime | None = Field(None, description="Only messages of this time or later.")
    before_time: UtcTime | None = Field(None, description="Only messages before this time.")


class ReceiptOut(BaseModel):
    """One participant has, read or played the message."""

    participant: str = Field(description="The address that WhatsApp gave.")
    contact: str | None
    phone: str | None
    lid: str | None
    kind: Literal["delivered", "read", "played"]
    at: str


class DoerOut(BaseModel):
    """Who did something, under every name known."""

    contact: str
    phone: str | None
    lid: str | None
    jid: str
    name: str | None


class ReactionOut(BaseModel):
    by: str | None = Field(description="The contact; null for the linked account itself.")
    who: DoerOut | None = Field(description="The same, under every name known.")
    emoji: str
    at: str


class VersionOut(BaseModel):
    body: str
    replaced_at: str


class ProblemOut(BaseModel):
    """Why an item was refused: what it would have been answered on its own."""

    status: int
    code: str
    title: str
    detail: str
    fields: list[dict[str, str]]


class BatchItem(BaseModel):
    """What became of one message of a batch: either `message` or `problem` is set."""

    index: int
    client_ref: str | None
    message: MessageOut | None
    problem: ProblemOut | None


class BatchOut(BaseModel):
    """The items in the order in which they were given."""

    accepted: int
    refused: int
    items: list[BatchItem]


class TallyLine(BaseModel):
    option: str
    votes: int = Field(description="Of an appointment the people they bring along are counted, too.")
    by: list[str | None] = Field(description="Contacts; null for the linked account itself.")


class TallyOut(BaseModel):
    """How a poll stands, or who comes to an appointment."""

    voters: int
    options: list[TallyLine]


class MessageEvents(BaseModel):
    """What happened to one message after it was sent."""

    results: TallyOut | None = Field(description="Of a poll or an appointment.")
    people: list[DoerOut] = Field(description="Those in `results`, under every name known.")
    pinned_until: str | None
    pinned_by: DoerOut | None = Field(description="Null for the linked account itself, and for what is not pinned.")
    album: list[str] = Field(description="The messages of an album, in their order.")
    receipts: list[ReceiptOut]
    reactions: list[ReactionOut]
    versions: list[VersionOut]


class QueueOut(BaseModel):
    """A session's queue as it stands now."""

    session: str
    paused_at: str | None
    pause_reason: Literal["requested", "phone_changed", "restored"] | None
    stalled_at: str | None = Field(description="Since when everybody knows that it does not move.")
    queued: int = Field(description="Messages that are due.")
    held: int = Field(description="Those of them that wait for another try, or because the gate said later.")
    scheduled: int
    sending: int
    uncertain: int
    oldest_queued_at: str | None = Field(description="Since when the oldest message that may go has been waiting.")
    oldest_queued_seconds: float | None
    next_at: str | None = Field(description="When the next one falls due.")
    waiting_for: WaitingOut | None = Field(description="What keeps the whole queue; null when nothing does.")


class Cleared(BaseModel):
    cancelled: int


class RetriedAgain(BaseModel):
    queued: int
