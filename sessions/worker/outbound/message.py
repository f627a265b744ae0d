"""Builds the WhatsApp message for an envelope: finds the builder for its content and adds the secret."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sessions.address import AddressKind
from sessions.content import (
    Album,
    Audio,
    CalendarEvent,
    Contacts,
    Content,
    Document,
    Edit,
    Envelope,
    EventReply,
    Image,
    LiveLocation,
    Location,
    MediaKind,
    Menu,
    OutgoingFile,
    Pin,
    Poll,
    PollVote,
    Reaction,
    Revoke,
    Sticker,
    Text,
    Timer,
    Video,
)
from sessions.errors import InvalidRequestError
from sessions.protobuf import load
from sessions.worker.outbound import actions, gatherings, media, places, texts
from sessions.worker.outbound.parts import Uploaded, context_fields, e2e, key_fields

_common: Any = load("waCommon.WACommon_pb2")

SECRET_BYTES = 32
_MEDIA: dict[type[Content], tuple[MediaKind, Any]] = {
    Image: ("image", media.build_image),
    Video: ("video", media.build_video),
    Audio: ("audio", media.build_audio),
    Document: ("document", media.build_document),
    Sticker: ("sticker", media.build_sticker),
}
#: What says something, and may therefore have a quote, mentions and so on around it.
_SAID: dict[type[Content], Callable[[Any, dict[str, Any]], Any]] = {
    Text: texts.build_text,
    Menu: texts.build_menu,
    Poll: texts.build_poll,
    Location: places.build_location,
    LiveLocation: places.build_live_location,
    Contacts: places.build_contacts,
    CalendarEvent: gatherings.build_event,
    Album: gatherings.build_album,
}
#: What is done to an earlier message or to the chat, at a time.
_DONE: dict[type[Content], Callable[[Any, float], Any]] = {
    Reaction: actions.build_reaction,
    Edit: actions.build_edit,
    Revoke: lambda content, _: actions.build_revoke(content),
    Pin: actions.build_pin,
    Timer: actions.build_timer,
    PollVote: gatherings.build_vote,
    EventReply: lambda content, _: gatherings.build_event_reply(content),
}


def file_to_upload(content: Content) -> tuple[MediaKind, OutgoingFile] | None:
    """The file that must be uploaded before the message can be built, and as what."""
    if isinstance(content, Image | Video | Audio | Document | Sticker):
        return _MEDIA[type(content)][0], media.outgoing(content.file)
    return None


def build(envelope: Envelope, *, uploaded: Uploaded | None, now: float) -> bytes:
    """The serialized message. It always carries the envelope's secret, under which the key store files its id."""
    if len(envelope.secret) != SECRET_BYTES:
        raise InvalidRequestError("A message's secret has 32 bytes.")
    message = _message(envelope, uploaded, now)
    message.messageContextInfo.messageSecret = envelope.secret
    if envelope.album is not None:
        association = message.messageContextInfo.messageAssociation
        association.associationType = e2e.MessageAssociation.MEDIA_ALBUM
        association.parentMessageKey.CopyFrom(_common.MessageKey(**key_fields(envelope.album)))
    return bytes(message.SerializeToString())


def _message(envelope: Envelope, uploaded: Uploaded | None, now: float) -> Any:
    content, kind = envelope.content, type(envelope.content)
    if kind in _DONE:
        return _DONE[kind](content, now)
    context = context_fields(envelope)
    if isinstance(content, Text) and envelope.to.kind is AddressKind.STATUS:
        return texts.build_status(content, context)
    if kind in _SAID:
        return _SAID[kind](content, context)
    if kind not in _MEDIA:
        raise InvalidRequestError("This kind of content cannot be sent.")
    if uploaded is None:
        raise InvalidRequestError("The message's file was not uploaded.")
    return _MEDIA[kind][1](content, uploaded, context)
