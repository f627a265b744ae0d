"""What messages say, as it looks at the edge: one shape for each type."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field


class PreviewOut(BaseModel):
    """What is shown of the page behind a link."""

    url: str
    title: str
    description: str


class TextOut(BaseModel):
    body: str
    preview: PreviewOut | None = None


class FileOut(BaseModel):
    """A file in a message. ``media_id`` and ``url`` are set once the bytes are here."""

    media_id: str | None
    url: str | None
    media_state: Literal["pending", "available", "failed", "expired"] | None = Field(
        description="Of files that arrive. `expired`, of any: it was here and is no longer kept."
    )
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
    gif: bool | None = None
    note: bool | None = Field(None, description="A round video note.")


class LocationOut(BaseModel):
    latitude: float
    longitude: float
    name: str | None
    address: str | None


class LiveLocationOut(BaseModel):
    latitude: float
    longitude: float
    accuracy_meters: int | None
    speed_mps: float | None
    heading_degrees: int | None
    caption: str | None
    sequence: int


class CardOut(BaseModel):
    name: str
    vcard: str


class ContactsOut(BaseModel):
    cards: list[CardOut]


class PollOut(BaseModel):
    question: str
    options: list[str]
    selectable: int = Field(description="How many may be chosen; 0: any number.")


class EventPlaceOut(BaseModel):
    latitude: float
    longitude: float
    name: str | None
    address: str | None


class EventOut(BaseModel):
    name: str
    starts_at: str
    ends_at: str | None
    description: str | None
    place: EventPlaceOut | None
    join_link: str | None
    guests_allowed: bool
    cancelled: bool


class MenuOptionOut(BaseModel):
    id: str
    title: str
    description: str | None


class MenuOut(BaseModel):
    body: str
    options: list[MenuOptionOut]
    footer: str | None


class AlbumOut(BaseModel):
    """Announces the pictures and videos that follow."""

    images: int
    videos: int


class TimerOut(BaseModel):
    seconds: int = Field(description="Messages of the chat disappear after so long; 0: they stay.")


class TargetOut(BaseModel):
    wa_id: str = Field(description="WhatsApp's id of the message that this is about.")


class ReactionContentOut(TargetOut):
    emoji: str


class EditOut(TargetOut):
    body: str


class PinOut(TargetOut):
    seconds: int


class PollVoteOut(TargetOut):
    options: list[str]


class EventReplyOut(TargetOut):
    answer: Literal["going", "not_going", "maybe"] | None
    guests: int


class UnsupportedOut(BaseModel):
    """Something that this version does not read."""

    name: str = Field(description="WhatsApp's name for it.")
    raw: str | None = Field(description="The message itself, a waE2E.Message, in base64; null where it is too large.")
