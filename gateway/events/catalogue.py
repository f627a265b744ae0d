"""Every type of event with what its ``data`` says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final

from pydantic import BaseModel

from gateway.events import payloads
from gateway.events.examples import example_envelope


@dataclass(frozen=True)
class EventType:
    """One type: its name, when it happens, and the model of its data."""

    name: str
    summary: str
    payload: type[BaseModel]

    @property
    def example(self) -> dict[str, Any]:
        """An event of this type as everybody outside sees it."""
        return example_envelope(self.name, self.payload)


CATALOGUE: Final[tuple[EventType, ...]] = (
    EventType("message.queued", "A message was accepted for sending.", payloads.MessageData),
    EventType("message.received", "A message arrived.", payloads.MessageData),
    EventType("message.sent", "A message was sent from the phone itself or another device.", payloads.MessageData),
    EventType("message.status", "A message went to another state.", payloads.MessageData),
    EventType(
        "message.uncertain",
        "A message may have been sent, and nobody knows; told again when no receipt came and a person has to decide.",
        payloads.MessageData,
    ),
    EventType("message.changed", "A message that waits was changed.", payloads.MessageData),
    EventType("message.edited", "A message was edited by who wrote it.", payloads.MessageData),
    EventType("message.revoked", "A message was deleted for everyone.", payloads.MessageData),
    EventType("message.reaction", "Somebody reacted to a message.", payloads.ReactionData),
    EventType("message.pinned", "A message was put on top of its chat.", payloads.PinData),
    EventType("message.unpinned", "A message no longer stands on top of its chat.", payloads.PinData),
    EventType(
        "message.undecryptable",
        "A message arrived that cannot be read yet; it is told as `message.received` when its sender has sent it again.",
        payloads.MessageData,
    ),
    EventType("poll.vote", "Somebody voted, otherwise than before, or took the vote back.", payloads.VoteData),
    EventType("event.reply", "Somebody says whether they come to an appointment.", payloads.EventReplyData),
    EventType(
        "answer.unreadable",
        "Somebody voted or answered, and what they chose cannot be read: the poll or appointment is from before the link.",
        payloads.ByData,
    ),
    EventType("menu.choice", "Somebody chose from a menu.", payloads.ChoiceData),
    EventType(
        "history.progress", "A part of the phone's past was taken over after linking.", payloads.HistoryProgressData
    ),
    EventType("media.available", "The file of a received message is here.", payloads.MessageData),
    EventType("media.failed", "The file of a received message cannot be had.", payloads.MessageData),
    EventType("session.created", "A session was created.", payloads.SessionData),
    EventType("session.status", "A session's status or liveness changed.", payloads.SessionData),
    EventType(
        "session.degraded",
        "A connected session lacks proof that frames flow, or its engine stopped listening.",
        payloads.SessionData,
    ),
    EventType("session.recovered", "A degraded session is proven to be alive again.", payloads.RecoveredData),
    EventType(
        "session.restricted", "WhatsApp restricts a session: a ban, a time-lock, an unlinking ...", payloads.SessionData
    ),
    EventType("session.unrestricted", "A session's restriction has ended.", payloads.SessionData),
    EventType("session.qr", "A QR code is on offer; it is never told here.", payloads.QrData),
    EventType("session.paired", "A phone was linked to a session.", payloads.SessionData),
    EventType("session.deleted", "A session was deleted.", payloads.SessionData),
    EventType("queue.paused", "Nothing leaves a session's queue any more, and why.", payloads.QueueData),
    EventType("queue.resumed", "A session's queue goes on.", payloads.QueueData),
    EventType("queue.stalled", "Messages have been waiting for long, and why.", payloads.QueueData),
    EventType("queue.flowing", "A queue that was stalled moves again.", payloads.QueueData),
    EventType("schedule.created", "A message was scheduled to be sent again and again.", payloads.ScheduleData),
    EventType("schedule.updated", "A schedule was changed, paused or resumed.", payloads.ScheduleData),
    EventType("schedule.fired", "A time of a schedule came, and its message was queued.", payloads.ScheduleFiredData),
    EventType("schedule.missed", "Times of a schedule passed without a message.", payloads.ScheduleMissedData),
    EventType("schedule.ended", "No time of a schedule comes up any more.", payloads.ScheduleData),
    EventType("contact.created", "Somebody was seen for the first time.", payloads.ContactData),
    EventType("contact.updated", "A contact's name or number changed.", payloads.ContactData),
    EventType("contact.merged", "Two contacts turned out to be one.", payloads.ContactMergedData),
    EventType("contact.deleted", "A contact was deleted.", payloads.ContactData),
    EventType("contact.restored", "A deleted contact was brought back, or was heard of again.", payloads.ContactData),
    EventType("contact.opted_out", "Somebody wants no marketing any more.", payloads.ConsentData),
    EventType("contact.opted_in", "Somebody wants to hear from us again.", payloads.ConsentData),
    EventType("contact.blocked", "Nothing is sent to a contact any more.", payloads.ContactData),
    EventType("contact.unblocked", "A contact may be sent messages again.", payloads.ContactData),
    EventType("group.joined", "The account is in a group now.", payloads.GroupJoinedData),
    EventType("group.updated", "A group's name, description, settings or link changed.", payloads.GroupUpdatedData),
    EventType("group.participants", "People were added, removed, promoted or demoted.", payloads.GroupParticipantsData),
    EventType("group.join_requested", "People ask to be let into a group.", payloads.GroupAskedData),
    EventType("group.left", "The account is not in a group any more.", payloads.GroupLeftData),
    EventType("call.received", "Somebody calls.", payloads.CallData),
    EventType("call.accepted", "A call was answered on the phone.", payloads.CallData),
    EventType("call.rejected", "A call was declined, here or on the phone.", payloads.CallData),
    EventType("call.missed", "A call that nobody answered rings no more.", payloads.CallData),
    EventType("call.ended", "A call that was answered is over.", payloads.CallData),
    EventType("contact.typing", "Somebody writes, records, or has stopped.", payloads.TypingData),
    EventType("presence.updated", "Somebody whose presence was asked for came or went.", payloads.PresenceData),
    EventType("picture.changed", "Somebody has another picture, or none.", payloads.PictureData),
    EventType("privacy.changed", "Privacy settings were changed on another device.", payloads.PrivacyChangedData),
    EventType("blocklist.changed", "People were blocked or unblocked on another device.", payloads.BlocklistData),
    EventType("channel.joined", "The phone or another device follows a channel.", payloads.ChannelData),
    EventType("channel.left", "The phone or another device left a channel.", payloads.ChannelData),
    EventType("channel.muted", "A channel was muted, or no longer.", payloads.ChannelMutedData),
    EventType(
        "channel.updated", "Posts were seen or reacted to, while that is asked for.", payloads.ChannelUpdatedData
    ),
    EventType("webhook.test", "A test of a webhook was asked for.", payloads.WebhookTestData),
    EventType("webhook.failing", "A webhook has answered nothing but failures for half a day.", payloads.WebhookData),
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
