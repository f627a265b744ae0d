"""Builds votes, appointments, answers to them, and albums."""

from __future__ import annotations

from typing import Any

from sessions.content import Album, CalendarEvent, EventReply, PollVote, Sealed
from sessions.errors import InvalidRequestError
from sessions.protobuf import load
from sessions.worker.outbound.parts import e2e, given, key_fields

_common: Any = load("waCommon.WACommon_pb2")


def build_vote(content: PollVote, now: float) -> Any:
    sealed = _sealed(content.sealed)
    update = e2e.PollUpdateMessage(
        pollCreationMessageKey=_common.MessageKey(**key_fields(content.target)),
        vote=e2e.PollEncValue(encPayload=sealed.payload, encIV=sealed.iv),
        senderTimestampMS=int(now * 1000),
    )
    return e2e.Message(pollUpdateMessage=update)


def build_event(content: CalendarEvent, context: dict[str, Any]) -> Any:
    event = e2e.EventMessage(
        name=content.name,
        startTime=int(content.starts_at),
        isCanceled=content.cancelled,
        extraGuestsAllowed=content.guests_allowed,
        **given(
            endTime=int(content.ends_at) if content.ends_at is not None else None,
            description=content.description,
            joinLink=content.join_link,
        ),
    )
    if content.place is not None:
        event.location.degreesLatitude = content.place.latitude
        event.location.degreesLongitude = content.place.longitude
        event.location.name = content.place.name or ""
    if context:
        event.contextInfo.CopyFrom(e2e.ContextInfo(**context))
    return e2e.Message(eventMessage=event)


def build_event_reply(content: EventReply) -> Any:
    sealed = _sealed(content.sealed)
    reply = e2e.EncEventResponseMessage(
        eventCreationMessageKey=_common.MessageKey(**key_fields(content.target)),
        encPayload=sealed.payload,
        encIV=sealed.iv,
    )
    return e2e.Message(encEventResponseMessage=reply)


def build_album(content: Album, context: dict[str, Any]) -> Any:
    album = e2e.AlbumMessage(expectedImageCount=content.images, expectedVideoCount=content.videos)
    if context:
        album.contextInfo.CopyFrom(e2e.ContextInfo(**context))
    return e2e.Message(albumMessage=album)


def _sealed(sealed: Sealed | None) -> Sealed:
    if sealed is None:
        raise InvalidRequestError("The answer was not sealed.")
    return sealed
