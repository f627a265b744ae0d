"""What the ``data`` of events says, type by type. The slices render it; a resource looks the same here and in the API."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Payload(BaseModel):
    """Base of all data. Resources may say more than what is promised here."""

    model_config = ConfigDict(extra="allow")


class ErrorData(Payload):
    """Why a message failed."""

    code: str = Field(examples=["recipient_unknown"])
    detail: str | None = None


class MessageData(Payload):
    """The message as ``GET /api/v1/messages/{id}`` gives it, at the time of the event."""

    id: str = Field(examples=["msg_000000000001a"])
    session: str = Field(examples=["ses_000000000001a"])
    chat: str = Field(examples=["cht_000000000001a"])
    contact: str | None = Field(examples=["con_000000000001a"])
    direction: str = Field(examples=["out"])
    origin: str = Field(examples=["api"])
    type: str = Field(examples=["text"])
    state: str = Field(examples=["delivered"])
    reason: str | None = None
    wa_id: str | None = Field(None, description="WhatsApp's id of the message.")
    client_ref: str | None = Field(None, description="Your own reference, as you gave it.")
    error: ErrorData | None = None


class QueueData(Payload):
    """The queue as ``GET /api/v1/sessions/{id}/queue`` gives it, at the time of the event."""

    session: str = Field(examples=["ses_000000000001a"])
    paused_at: str | None = None
    pause_reason: str | None = Field(None, examples=["requested"])
    queued: int = Field(examples=[12])
    oldest_queued_seconds: float | None = None
    waiting_for: dict[str, Any] | None = None


class DoerData(Payload):
    """Who did something, under every name known."""

    contact: str = Field(examples=["con_000000000001a"])
    phone: str | None = Field(examples=["+15550100001"])
    lid: str | None = Field(examples=["77001@lid"])
    jid: str = Field(examples=["77001@lid"])
    name: str | None = Field(examples=["Ada"])


class ReactionData(Payload):
    """A reaction; an empty emoji takes it back."""

    emoji: str | None = Field(examples=["👍"])


class ByData(MessageData):
    """The message, and who did something about it."""

    by: str | None = Field(description="A contact; null for the linked account itself.", examples=["con_000000000001a"])
    who: DoerData | None = Field(None, description="The same, under every name known.", examples=[None])


class PinData(ByData):
    """The message, and until when it stands on top."""

    pinned_until: str | None


class VoteData(ByData):
    """The poll, what was chosen, and how it stands now."""

    options: list[str] = Field(examples=[["Monday"]])
    results: dict[str, Any] | None = Field(
        examples=[{"voters": 1, "options": [{"option": "Monday", "votes": 1, "by": ["con_000000000001a"]}]}]
    )


class EventReplyData(ByData):
    """The appointment, the answer, and how it stands now."""

    answer: str = Field(description="`going`, `not_going` or `maybe`.", examples=["going"])
    guests: int = Field(examples=[0])
    results: dict[str, Any] | None = Field(
        examples=[{"voters": 1, "options": [{"option": "going", "votes": 1, "by": ["con_000000000001a"]}]}]
    )


class ChoiceData(MessageData):
    """The answer, and what it chose."""

    choice: dict[str, Any] = Field(
        description="`id` and `title` of the option, `number`, and `menu`, the message that asked.",
        examples=[{"menu": "msg_000000000001a", "number": 2, "id": "b", "title": "Tuesday"}],
    )


class SessionData(Payload):
    """The session as ``GET /api/v1/sessions/{id}`` gives it, at the time of the event."""

    id: str = Field(examples=["ses_000000000001a"])
    name: str = Field(examples=["shop"])
    status: str = Field(examples=["connected"])
    live: bool = Field(examples=[True])
    reason: dict[str, Any] | None = None
    restriction: dict[str, Any] | None = Field(None, examples=[None])


class RecoveredData(SessionData):
    """The session, with what it has recovered from."""

    recovered_from: dict[str, Any] = Field(
        description="`reason`, `since`, `seconds` and `how` (`by_itself` or `reconnected`).",
        examples=[{"reason": None, "since": "2026-03-01T12:00:00Z", "seconds": 12.5, "how": "reconnected"}],
    )


class HistoryProgressData(Payload):
    """How far the phone has come with sharing its past. Its messages are there by now; none is told of by itself."""

    session: str = Field(examples=["ses_000000000001a"])
    stage: str = Field(
        description="`bootstrap` (the newest of each chat), `recent`, `full` or `other`.", examples=["recent"]
    )
    progress: int = Field(description="Of this stage, in percent.", examples=[40])
    messages: int = Field(description="How many came with this part.", examples=[500])


class QrData(Payload):
    """A QR code that can be fetched now."""

    index: int = Field(examples=[0])
    expires_at: str = Field(examples=["2026-03-01T12:00:20.000Z"])


class ContactData(Payload):
    """The contact as ``GET /api/v1/contacts/{id}`` gives it, at the time of the event."""

    id: str = Field(examples=["con_000000000001a"])
    name: str | None = Field(examples=["Ada Lovelace"])
    push_name: str | None = Field(examples=["Ada"])
    phone: str | None = Field(examples=["+15550100001"])
    lid: str | None = Field(None, description="The hidden-user address, where it is known.", examples=["77001@lid"])


class ContactMergedData(ContactData):
    """The contact that stays."""

    merged: str = Field(description="The id of the contact that is gone.", examples=["con_000000000001b"])


class ConsentData(ContactData):
    """The contact, and how we know."""

    opted_out_at: str | None
    source: str = Field(description="`api`, or `keyword` where they wrote it themselves.", examples=["keyword"])


class GroupData(Payload):
    """The group as ``GET /api/v1/groups/{id}`` gives it, without its members, at the time of the event."""

    id: str = Field(examples=["cht_000000000001a"])
    session: str = Field(examples=["ses_000000000001a"])
    jid: str = Field(examples=["120363000000000001@g.us"])
    subject: str = Field(examples=["Bread"])
    size: int = Field(examples=[3])
    is_member: bool = Field(examples=[True])
    actor: str | None = Field(description="The contact who did it, where WhatsApp says so.", examples=[None])
    who: DoerData | None = Field(None, description="The same, under every name known.", examples=[None])


class GroupJoinedData(GroupData):
    """The group, and how the account came into it."""

    reason: str | None = Field(description="`invite` where it followed a link.", examples=[None])


class GroupUpdatedData(GroupData):
    """The group, and what is new about it."""

    changes: dict[str, Any] = Field(examples=[{"subject": "Bread"}])


class GroupPerson(Payload):
    """Somebody in a group."""

    contact: str = Field(examples=["con_000000000001a"])
    name: str | None = Field(examples=["Ada"])
    phone: str | None = Field(examples=["+15550100001"])
    lid: str | None = Field(examples=["100000000000001@lid"])


class GroupParticipantsData(GroupData):
    """The group, who is concerned, and what happened to them."""

    action: str = Field(description="`add`, `remove`, `promote` or `demote`.", examples=["add"])
    participants: list[GroupPerson]


class GroupAskedData(GroupData):
    """The group, and who wants to come in."""

    participants: list[GroupPerson]


class GroupLeftData(GroupData):
    """The group, and why the account is not in it any more."""

    reason: str = Field(description="`left`, `removed`, `deleted` or `gone`.", examples=["removed"])
    is_member: bool = Field(examples=[False])


class ScheduleData(Payload):
    """The schedule as `GET /api/v1/schedules/{id}` gives it, at the time of the event."""

    id: str = Field(examples=["sch_000000000001a"])
    name: str | None
    session: str = Field(examples=["ses_000000000001a"])
    state: str = Field(examples=["active"])
    reason: str | None = Field(description="Why it ended: `finished`, `session_deleted` or `deleted`.")
    next_at: str | None


class ScheduleFiredData(ScheduleData):
    """The schedule, and which of its times came."""

    due_at: str
    message_id: str = Field(examples=["msg_000000000001a"])
    manual: bool = Field(description="Somebody asked for it with run-now.")


class ScheduleMissedData(ScheduleData):
    """The schedule, and which of its times passed without a message."""

    first_due_at: str
    due_at: str = Field(description="The last of them.")
    times: int = Field(description="How many they are.", examples=[1])
    missed_because: str = Field(
        description="`misfire` when the gateway was down, `expired`, or the code that `POST /messages` would answer.",
        examples=["session_not_paired"],
    )


class PersonData(Payload):
    """Somebody on WhatsApp."""

    contact: str | None = Field(description="Null where they are no contact.", examples=["con_000000000001a"])
    phone: str | None = Field(examples=["+15550100001"])
    jid: str = Field(examples=["15550100001@s.whatsapp.net"])
    lid: str | None = Field(examples=["77123456789@lid"])


class PresenceData(PersonData):
    """Whether somebody is online."""

    online: bool
    last_seen: str | None = Field(description="When they were online last, if they let it be known.")


class TypingData(PersonData):
    """What somebody does in which chat."""

    chat: str | None = Field(description="Null where there is no such chat yet.", examples=["cht_000000000001a"])
    state: str = Field(description="`composing`, `recording` or `paused`.", examples=["composing"])


class CallData(PersonData):
    """The call as ``GET /api/v1/sessions/{id}/calls`` gives it, at the time of the event."""

    id: str = Field(examples=["cal_000000000001a"])
    session: str = Field(examples=["ses_000000000001a"])
    video: bool
    state: str = Field(examples=["ringing"])
    offered_at: str
    ended_at: str | None


class PictureData(PersonData):
    """Somebody, perhaps the linked account itself, whose picture changed."""

    removed: bool


class PrivacyChangedData(Payload):
    """Which privacy settings; ``GET /api/v1/sessions/{id}/privacy`` says what they are now."""

    changed: list[str] = Field(examples=[["last_seen"]])


class BlocklistData(Payload):
    """Who was blocked and unblocked; nobody named: read the list anew."""

    blocked: list[dict[str, Any]]
    unblocked: list[dict[str, Any]]


class ChannelData(Payload):
    """A channel; where it was joined, as ``GET /api/v1/sessions/{id}/channels/{channel}`` gives it."""

    id: str = Field(examples=["120363025246125486@newsletter"])


class ChannelMutedData(ChannelData):
    """A channel that was muted."""

    muted: bool


class ChannelUpdatedData(ChannelData):
    """Posts with their counts as they are now."""

    posts: list[dict[str, Any]]


class WebhookData(Payload):
    """A webhook endpoint that is in trouble, and why: ``gone`` (it answered 410) or ``failing``."""

    id: str = Field(examples=["whk_000000000001a"])
    reason: str = Field(examples=["failing"])
    failing_since: str | None = None


class WebhookTestData(Payload):
    """What a test says."""


class ApiKeyData(Payload):
    """An API key, without the key."""

    id: str = Field(examples=["key_000000000001a"])
    name: str = Field(examples=["crm"])
