"""How messages look at the edge; :mod:`gateway.messages.render` fills these in."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from gateway.api.fields import ChatId, ContactId, UtcTime
from gateway.api.paging import PageQuery
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
    "reaction",
    "edit",
    "revoke",
    "unsupported",
]


class Party(BaseModel):
    """Somebody, under every name known."""

    phone: str | None = Field(examples=["+4915112345678"])
    lid: str | None
    jid: str | None
    name: str | None
    group: str | None = Field(None, description="The group that the message was written in.")


class TextOut(BaseModel):
    body: str


class FileOut(BaseModel):
    """A file in a message. ``media_id`` and ``url`` are set once the bytes are here."""

    media_id: str | None
    url: str | None
    media_state: Literal["pending", "available", "failed"] | None = Field(description="Of files that arrive.")
    media_error: str | None
    mimetype: str
    size: int
    filename: str | None
    width: int | None
    height: int | None
    seconds: int | None
    caption: str | None = None
    view_once: bool | None = None
    voice: bool | None = None


class LocationOut(BaseModel):
    latitude: float
    longitude: float
    name: str | None
    address: str | None


class ErrorOut(BaseModel):
    code: str = Field(examples=["recipient_unknown"])
    detail: str | None


class ReplyOut(BaseModel):
    id: str | None
    wa_id: str | None


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
    reason: str | None = Field(description="Why it waits or was skipped.")
    from_: Party | None = Field(None, alias="from")
    to: Party | None = None
    text: TextOut | None = None
    image: FileOut | None = None
    video: FileOut | None = None
    audio: FileOut | None = None
    document: FileOut | None = None
    sticker: FileOut | None = None
    location: LocationOut | None = None
    contacts: dict[str, Any] | None = None
    poll: dict[str, Any] | None = None
    reaction: dict[str, Any] | None = None
    mentions: list[str]
    reply_to: ReplyOut | None
    forwarded: bool
    wa_id: str | None = Field(description="WhatsApp's own id, once there is one.")
    client_ref: str | None
    purpose: str | None
    priority: Literal["high", "normal", "low"]
    attempts: int
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


class ChatMessageQuery(PageQuery):
    """A page of one chat's messages."""


class ReceiptOut(BaseModel):
    """One participant has, read or played the message."""

    participant: str
    kind: Literal["delivered", "read", "played"]
    at: str


class ReactionOut(BaseModel):
    by: str | None = Field(description="The contact; null for the linked account itself.")
    emoji: str
    at: str


class VersionOut(BaseModel):
    body: str
    replaced_at: str


class MessageEvents(BaseModel):
    """What happened to one message after it was sent."""

    receipts: list[ReceiptOut]
    reactions: list[ReactionOut]
    versions: list[VersionOut]
