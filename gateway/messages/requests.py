"""What callers may ask to be sent: the body of ``POST /api/v1/messages``."""

from __future__ import annotations

from typing import Literal, Self, get_args

from pydantic import Field, SkipValidation, model_validator

from gateway.api.fields import ChatId, ContactId, MessageId, UtcTime
from gateway.messages.parts import (
    AlbumIn,
    AudioIn,
    Caption,
    ContactsIn,
    DocumentIn,
    EditIn,
    EventIn,
    EventReplyIn,
    ForwardIn,
    Given,
    ImageIn,
    LiveLocationIn,
    LocationIn,
    MenuIn,
    PinIn,
    PollIn,
    PollVoteIn,
    ReactionIn,
    RevokeIn,
    StickerIn,
    TextIn,
    TimerIn,
    VideoIn,
    Words,
    WordsIn,
)

BATCH_LIMIT = 1_000

Purpose = Literal["reply", "service", "transactional", "auth", "marketing"]
#: Each is the name of the object that says what the message says.
Type = Literal[
    "text",
    "image",
    "video",
    "audio",
    "voice",
    "document",
    "sticker",
    "location",
    "live_location",
    "contacts",
    "poll",
    "event",
    "menu",
    "album",
    "forward",
    "reaction",
    "edit",
    "revoke",
    "pin",
    "poll_vote",
    "event_reply",
    "timer",
]
PARTS: tuple[str, ...] = get_args(Type)
#: Those about an earlier message, which only the transaction that queues them can find.
TARGETED = ("forward", "reaction", "edit", "revoke", "pin", "poll_vote", "event_reply")


class MessageIn(Given):
    """One message. The object named like ``type`` says what it says."""

    session: str = Field(min_length=1, max_length=100, description="The session's id or name.", examples=["shop"])
    to: str = Field(
        min_length=1,
        max_length=100,
        description="A phone number with its country code, a contact's id, or a WhatsApp address (JID or LID): of a person, "
        "a group, a channel, or `status@broadcast`.",
        examples=["+4915112345678"],
    )
    type: Type = "text"
    text: TextIn | None = None
    image: ImageIn | None = None
    video: VideoIn | None = None
    audio: AudioIn | None = None
    voice: AudioIn | None = Field(None, description="The same as `audio` with `voice` set.")
    document: DocumentIn | None = None
    sticker: StickerIn | None = None
    location: LocationIn | None = None
    live_location: LiveLocationIn | None = None
    contacts: ContactsIn | None = None
    poll: PollIn | None = None
    event: EventIn | None = None
    menu: MenuIn | None = None
    album: AlbumIn | None = None
    forward: ForwardIn | None = Field(None, description="Send a stored message once more, marked as forwarded.")
    reaction: ReactionIn | None = None
    edit: EditIn | None = Field(None, description="Change the words of a message that was sent.")
    revoke: RevokeIn | None = Field(None, description="Delete a message for everyone.")
    pin: PinIn | None = Field(None, description="Put a message on top of the chat.")
    poll_vote: PollVoteIn | None = None
    event_reply: EventReplyIn | None = None
    timer: TimerIn | None = Field(None, description="Let messages of the chat disappear.")
    reply_to: MessageId | None = Field(None, description="The message that this one answers.")
    mentions: list[str] = Field(
        default_factory=list,
        max_length=100,
        description="Phone numbers or WhatsApp addresses, or the word `all` for everyone in a group.",
    )
    send_at: UtcTime | None = Field(None, description="Not before; null sends at once.")
    expires_at: UtcTime | None = Field(None, description="Not after: a message still waiting then is given up.")
    priority: Literal["high", "normal", "low"] = "normal"
    purpose: Purpose | None = Field(
        None,
        description="What it is for. Marketing waits for caps, pace and the end of the night; what somebody waits for "
        "(all the others) goes before it.",
    )
    typing: bool | None = Field(
        None, description='Show "typing ..." before it, as long as a person would type; null as the session has it.'
    )
    on_uncertain: Literal["hold", "resend"] | None = Field(
        None,
        description="What becomes of it when nobody can know whether it was sent: wait for a person, or send again at "
        "the risk of a double. Null takes what the session or the gateway is set to.",
    )
    client_ref: Words | None = Field(None, max_length=120, description="Your own reference; comes back in every event.")

    @model_validator(mode="after")
    def _one_part(self) -> Self:
        named = {name for name in PARTS if getattr(self, name) is not None}
        wanted = {self.type} if self.type != "voice" else named & {"voice", "audio"} or {"voice"}
        if len(wanted) > 1:
            raise ValueError("name either `voice` or `audio`, not both")
        if wanted - named:
            raise ValueError(f"a message of type {self.type} needs the object `{wanted.pop()}`")
        if named - wanted:
            raise ValueError(f"a message of type {self.type} takes no object `{min(named - wanted)}`")
        sound = self.voice or self.audio
        if sound is not None and sound.view_once and not (self.type == "voice" or sound.voice):
            raise ValueError("of sounds only a voice note can be heard only once")
        if self.send_at and self.expires_at and self.expires_at <= self.send_at:
            raise ValueError("expires_at must be after send_at")
        return self

    @property
    def part(self) -> Given:
        """The object that says what the message says."""
        part: Given = next(getattr(self, name) for name in PARTS if getattr(self, name) is not None)
        return part


class BatchIn(Given):
    """Up to 1,000 messages. Each is judged by itself: one that is wrong does not keep the others from being accepted."""

    messages: list[SkipValidation[MessageIn]] = Field(min_length=1, max_length=BATCH_LIMIT)


class ChangeIn(Given):
    """What to change about a message that has not gone out; what is absent stays."""

    priority: Literal["high", "normal", "low"] | None = None
    send_at: UtcTime | None = Field(None, description="Not before; null or a time that has passed: as soon as it can.")
    expires_at: UtcTime | None = Field(None, description="Not after; null: never.")
    text: WordsIn | None = Field(None, description="The new words of a message of type text.")
    caption: Caption | None = Field(None, description="The new words under an image, a video or a document.")
    client_ref: Words | None = Field(None, max_length=120)


class ResolveIn(Given):
    """What became of an uncertain message, or what shall."""

    outcome: Literal["sent", "resend", "failed"] = Field(
        description="`sent` and `failed`: you know it. `resend`: send it again; the recipient may get it twice."
    )


class ChoiceIn(Given):
    """Which messages are meant; each filter given narrows the choice."""

    chat: ChatId | None = None
    contact: ContactId | None = None
    purpose: Purpose | None = None
    priority: Literal["high", "normal", "low"] | None = None
    client_ref: Words | None = Field(None, max_length=120)
    created_after: UtcTime | None = None
    created_before: UtcTime | None = None


class ClearIn(ChoiceIn):
    """Which waiting messages to cancel; all of the session's without any filter."""

    states: list[Literal["queued", "scheduled"]] = Field(default=["queued", "scheduled"], min_length=1)


class RetryFailedIn(ChoiceIn):
    """Which messages to send again."""

    session: str | None = Field(None, min_length=1, max_length=100, description="A session's id or name.")
    states: list[Literal["failed", "skipped"]] = Field(default=["failed"], min_length=1)
    error_code: str | None = Field(None, max_length=64, examples=["session_not_connected"])
