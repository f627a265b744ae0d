"""Builds the WhatsApp message for an envelope: finds the builder for its content and adds the secret."""

from __future__ import annotations

from typing import Any

from sessions.content import (
    Audio,
    Contacts,
    Content,
    Document,
    Edit,
    Envelope,
    Image,
    Location,
    MediaKind,
    OutgoingFile,
    Poll,
    Reaction,
    Revoke,
    Sticker,
    Text,
    Video,
)
from sessions.errors import InvalidRequestError
from sessions.worker.outbound import actions, media, places, texts
from sessions.worker.outbound.parts import Uploaded, context_fields

SECRET_BYTES = 32
_MEDIA: dict[type[Content], tuple[MediaKind, Any]] = {
    Image: ("image", media.build_image),
    Video: ("video", media.build_video),
    Audio: ("audio", media.build_audio),
    Document: ("document", media.build_document),
    Sticker: ("sticker", media.build_sticker),
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
    return bytes(message.SerializeToString())


def _message(envelope: Envelope, uploaded: Uploaded | None, now: float) -> Any:
    context = context_fields(envelope)
    match envelope.content:
        case Text() as content:
            return texts.build_text(content, context)
        case Image() | Video() | Audio() | Document() | Sticker() as content:
            if uploaded is None:
                raise InvalidRequestError("The message's file was not uploaded.")
            return _MEDIA[type(content)][1](content, uploaded, context)
        case Location() as content:
            return places.build_location(content, context)
        case Contacts() as content:
            return places.build_contacts(content, context)
        case Poll() as content:
            return texts.build_poll(content, context)
        case Reaction() as content:
            return actions.build_reaction(content, now)
        case Edit() as content:
            return actions.build_edit(content, now)
        case Revoke() as content:
            return actions.build_revoke(content)
        case _:
            raise InvalidRequestError("This kind of content cannot be sent.")
