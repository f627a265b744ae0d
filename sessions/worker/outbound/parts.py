"""Pieces that several builders share: generated classes, uploaded files, keys, quotes and mentions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sessions.address import Address, Jid
from sessions.content import Envelope, MessageKey
from sessions.errors import InvalidRequestError
from sessions.protobuf import load
from sessions.worker.outbound.quotes import build_quoted

e2e: Any = load("waE2E.WAWebProtobufsE2E_pb2")


@dataclass(frozen=True)
class Uploaded:
    """Where WhatsApp's media host keeps a file of ours, and the keys that open it."""

    url: str
    direct_path: str
    media_key: bytes
    sha256: bytes
    encrypted_sha256: bytes
    size: int
    uploaded_at: float


def file_fields(uploaded: Uploaded) -> dict[str, Any]:
    """The fields by which every kind of file message names its file."""
    return {
        "URL": uploaded.url,
        "directPath": uploaded.direct_path,
        "mediaKey": uploaded.media_key,
        "fileSHA256": uploaded.sha256,
        "fileEncSHA256": uploaded.encrypted_sha256,
        "fileLength": uploaded.size,
        "mediaKeyTimestamp": int(uploaded.uploaded_at),
    }


def given(**fields: Any) -> dict[str, Any]:
    """Only the fields that have a value: WhatsApp tells an empty field from a missing one."""
    return {name: value for name, value in fields.items() if value is not None}


def chat_jid(address: Address) -> Jid:
    """Where a message for this partner goes: the phone number if known, since the engine finds the LID by itself."""
    jid = address.other or address.pn or address.lid
    if jid is None:
        raise InvalidRequestError("The message has no recipient.")
    return jid


def key_fields(key: MessageKey) -> dict[str, Any]:
    """How WhatsApp names another message."""
    fields = given(remoteJID=str(chat_jid(key.chat)), fromMe=key.from_me, ID=key.wa_id)
    if key.chat.other is not None and key.participant is not None and not key.from_me:
        fields["participant"] = str(key.participant.primary)
    return fields


def context_fields(envelope: Envelope) -> dict[str, Any]:
    """The quote, the mentions and whatever else stands around a message; empty if there is nothing."""
    fields: dict[str, Any] = {}
    if envelope.quote is not None:
        fields["stanzaID"] = envelope.quote.wa_id
        fields["participant"] = str(envelope.quote.sender.primary)
        fields["quotedMessage"] = build_quoted(envelope.quote.content)
    if envelope.mentions:
        fields["mentionedJID"] = [str(mention.primary) for mention in envelope.mentions]
    if envelope.mentions_all:
        fields["nonJIDMentions"] = 1
    if envelope.forwarded:
        fields |= {"isForwarded": True, "forwardingScore": 1}
    if envelope.disappears_seconds:
        fields["expiration"] = envelope.disappears_seconds
    return fields
