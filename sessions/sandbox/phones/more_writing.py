"""What a phone can be asked to send beyond texts and files, as WhatsApp's protobuf."""

from __future__ import annotations

import base64
import time
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from sessions.protobuf import load
from sessions.sandbox.phones.shown import Json

_e2e: Any = load("waE2E.WAWebProtobufsE2E_pb2")


class Input(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PreviewInput(Input):
    """The page that a text shows."""

    url: str
    title: str
    description: str = ""


class LiveLocationInput(Input):
    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)
    accuracy_meters: int | None = None
    caption: str | None = None
    sequence: int = 0


class PollInput(Input):
    question: str
    options: list[str] = Field(min_length=1, max_length=12)
    selectable: int = 1


class PollVoteInput(Input):
    """A vote in a poll that reached the phone, or that it sent."""

    message_id: str
    options: list[str] = Field(default_factory=list)


class EventInput(Input):
    """Times are seconds since 1970."""

    name: str
    starts_at: int
    ends_at: int | None = None
    description: str | None = None
    join_link: str | None = None
    guests_allowed: bool = False


class EventReplyInput(Input):
    message_id: str
    answer: Literal["going", "not_going", "maybe"]
    guests: int = 0


class PinInput(Input):
    message_id: str
    seconds: int = 604_800  #: 0 takes the pin away


class TimerInput(Input):
    seconds: int


class AlbumInput(Input):
    images: int = 0
    videos: int = 0


class RawInput(Input):
    """Any message at all: a serialized waE2E.Message."""

    base64: str


def write_live_location(part: LiveLocationInput) -> Any:
    location = _e2e.LiveLocationMessage(
        degreesLatitude=part.latitude, degreesLongitude=part.longitude, sequenceNumber=part.sequence
    )
    if part.accuracy_meters is not None:
        location.accuracyInMeters = part.accuracy_meters
    if part.caption:
        location.caption = part.caption
    return _e2e.Message(liveLocationMessage=location)


def write_poll(part: PollInput) -> Any:
    options = [_e2e.PollCreationMessage.Option(optionName=option) for option in part.options]
    poll = _e2e.PollCreationMessage(name=part.question, options=options, selectableOptionsCount=part.selectable)
    return _e2e.Message(pollCreationMessageV3=poll)


def write_event(part: EventInput) -> Any:
    event = _e2e.EventMessage(name=part.name, startTime=part.starts_at, extraGuestsAllowed=part.guests_allowed)
    if part.ends_at is not None:
        event.endTime = part.ends_at
    if part.description:
        event.description = part.description
    if part.join_link:
        event.joinLink = part.join_link
    return _e2e.Message(eventMessage=event)


def write_pin(part: PinInput, key: Any) -> Any:
    kinds = _e2e.PinInChatMessage
    pin = kinds(
        key=key,
        type=kinds.PIN_FOR_ALL if part.seconds else kinds.UNPIN_FOR_ALL,
        senderTimestampMS=int(time.time() * 1000),
    )
    message = _e2e.Message(pinInChatMessage=pin)
    if part.seconds:
        message.messageContextInfo.messageAddOnDurationInSecs = part.seconds
    return message


def write_timer(part: TimerInput) -> Any:
    protocol = _e2e.ProtocolMessage(type=_e2e.ProtocolMessage.EPHEMERAL_SETTING, ephemeralExpiration=part.seconds)
    return _e2e.Message(protocolMessage=protocol)


def write_album(part: AlbumInput) -> Any:
    return _e2e.Message(albumMessage=_e2e.AlbumMessage(expectedImageCount=part.images, expectedVideoCount=part.videos))


def write_raw(part: RawInput) -> Any:
    return _e2e.Message.FromString(base64.b64decode(part.base64))


def with_preview(body: str, preview: PreviewInput) -> Any:
    text = _e2e.ExtendedTextMessage(
        text=body, matchedText=preview.url, title=preview.title, description=preview.description
    )
    return _e2e.Message(extendedTextMessage=text)


def options_of(fields: dict[str, Json]) -> tuple[str, ...]:
    """The options of a poll as a phone's log has it."""
    poll = fields.get("poll")
    options = poll.get("options") if isinstance(poll, dict) else None
    return tuple(str(option) for option in options) if isinstance(options, list) else ()
