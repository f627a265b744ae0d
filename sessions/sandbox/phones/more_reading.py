"""What a phone shows of the kinds of messages beyond texts and files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sessions.protobuf import load
from sessions.sandbox.phones.shown import Json, Reading

_e2e: Any = load("waE2E.WAWebProtobufsE2E_pb2")


def _live_location(part: Any) -> Reading:
    shown: dict[str, Json] = {"latitude": part.degreesLatitude, "longitude": part.degreesLongitude}
    if part.caption:
        shown["caption"] = part.caption
    if part.accuracyInMeters:
        shown["accuracy_meters"] = part.accuracyInMeters
    return Reading("live_location", {"live_location": {**shown, "sequence": part.sequenceNumber}})


def _event(part: Any) -> Reading:
    event: dict[str, Json] = {"name": part.name, "starts_at": part.startTime}
    if part.endTime:
        event["ends_at"] = part.endTime
    if part.description:
        event["description"] = part.description
    if part.HasField("location"):
        event["place"] = part.location.name
    if part.joinLink:
        event["join_link"] = part.joinLink
    return Reading("event", {"event": {**event, "guests_allowed": part.extraGuestsAllowed}})


def _album(part: Any) -> Reading:
    return Reading("album", {"album": {"images": part.expectedImageCount, "videos": part.expectedVideoCount}})


def _pin(part: Any) -> Reading:
    is_pinned = part.type == _e2e.PinInChatMessage.PIN_FOR_ALL
    return Reading("pin", {"pin": {"message_id": part.key.ID, "pinned": is_pinned}})


def _vote(part: Any) -> Reading:
    return Reading("poll_vote", {"poll_vote": {"message_id": part.pollCreationMessageKey.ID}})


def _reply(part: Any) -> Reading:
    return Reading("event_reply", {"event_reply": {"message_id": part.eventCreationMessageKey.ID}})


def context_of(part: Any) -> dict[str, Json]:
    """What stands around a message: what it answers, whom it mentions, whether it was forwarded."""
    info = getattr(part, "contextInfo", None)
    if info is None:
        return {}
    found: dict[str, Json] = {}
    if info.stanzaID:
        found["reply_to"] = info.stanzaID
        quoted = [field.name for field, _ in info.quotedMessage.ListFields()]
        if quoted and quoted[0] != "conversation":
            found["quoted"] = quoted[0]
        elif info.quotedMessage.conversation:
            found["quoted"] = info.quotedMessage.conversation
    if info.mentionedJID:
        found["mentions"] = list(info.mentionedJID)
    if info.nonJIDMentions:
        found["mentions_all"] = True
    if info.isForwarded:
        found["forwarded"] = True
    if info.expiration:
        found["disappears_seconds"] = info.expiration
    return found


def preview_of(part: Any) -> dict[str, Json]:
    """The page that a text shows."""
    if not part.matchedText or not part.title:
        return {}
    has_picture = bool(part.JPEGThumbnail)
    preview: Json = {
        "url": part.matchedText,
        "title": part.title,
        "description": part.description,
        "has_picture": has_picture,
    }
    return {"preview": preview}


MORE_READERS: dict[str, Callable[[Any], Reading]] = {
    "liveLocationMessage": _live_location,
    "eventMessage": _event,
    "albumMessage": _album,
    "pinInChatMessage": _pin,
    "pollUpdateMessage": _vote,
    "encEventResponseMessage": _reply,
}
