"""Every type of event with what its ``data`` says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from pydantic import BaseModel

from gateway.events import payloads


@dataclass(frozen=True)
class EventType:
    """One type: its name, when it happens, and the model of its data."""

    name: str
    summary: str
    payload: type[BaseModel]


CATALOGUE: Final[tuple[EventType, ...]] = (
    EventType("message.queued", "A message was accepted for sending.", payloads.MessageData),
    EventType("message.received", "A message arrived.", payloads.MessageData),
    EventType("message.sent", "A message was sent from the phone itself or another device.", payloads.MessageData),
    EventType("message.status", "A message went to another state.", payloads.MessageData),
    EventType("message.edited", "A message was edited by who wrote it.", payloads.MessageData),
    EventType("message.revoked", "A message was deleted for everyone.", payloads.MessageData),
    EventType("message.reaction", "Somebody reacted to a message.", payloads.ReactionData),
    EventType("media.available", "The file of a received message is here.", payloads.MessageData),
    EventType("media.failed", "The file of a received message cannot be had.", payloads.MessageData),
    EventType("session.created", "A session was created.", payloads.SessionData),
    EventType("session.status", "A session's status or liveness changed.", payloads.SessionData),
    EventType(
        "session.restricted", "WhatsApp restricts a session: a ban, a time-lock, an unlinking ...", payloads.SessionData
    ),
    EventType("session.unrestricted", "A session's restriction has ended.", payloads.SessionData),
    EventType("session.qr", "A QR code is on offer; it is never told here.", payloads.QrData),
    EventType("session.paired", "A phone was linked to a session.", payloads.SessionData),
    EventType("session.deleted", "A session was deleted.", payloads.SessionData),
    EventType("contact.created", "Somebody was seen for the first time.", payloads.ContactData),
    EventType("contact.updated", "A contact's name or number changed.", payloads.ContactData),
    EventType("contact.merged", "Two contacts turned out to be one.", payloads.ContactMergedData),
    EventType("contact.opted_out", "Somebody wants no marketing any more.", payloads.ConsentData),
    EventType("contact.opted_in", "Somebody wants to hear from us again.", payloads.ConsentData),
    EventType("contact.blocked", "Nothing is sent to a contact any more.", payloads.ContactData),
    EventType("contact.unblocked", "A contact may be sent messages again.", payloads.ContactData),
    EventType("webhook.test", "A test of a webhook was asked for.", payloads.WebhookTestData),
    EventType("webhook.disabled", "A webhook failed for so long that it was switched off.", payloads.WebhookData),
    EventType("api_key.created", "An API key was made.", payloads.ApiKeyData),
    EventType("api_key.revoked", "An API key was revoked.", payloads.ApiKeyData),
)


def by_name() -> dict[str, EventType]:
    """The catalogue as a table."""
    return {entry.name: entry for entry in CATALOGUE}


def matching(globs: Iterable[str]) -> frozenset[str]:
    """The types that at least one glob (``message.*``) covers."""
    patterns = tuple(globs)
    return frozenset(entry.name for entry in CATALOGUE if any(fnmatchcase(entry.name, pattern) for pattern in patterns))
