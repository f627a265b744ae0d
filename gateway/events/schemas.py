"""How events look from outside: the same envelope in streams, pages and webhooks."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from gateway.api.fields import EventId, OrgId, SessionId, UtcTime
from gateway.events.models import Event
from gateway.kit.ids import render_id
from gateway.kit.times import render_time

#: What events are about, and the prefix of its ids.
SUBJECTS: Final = {
    "org": "org",
    "user": "usr",
    "api_key": "key",
    "session": "ses",
    "contact": "con",
    "chat": "cht",
    "message": "msg",
    "media": "med",
    "webhook": "whk",
    "schedule": "sch",
    "call": "cal",
}
_BY_PREFIX: Final = {prefix: kind for kind, prefix in SUBJECTS.items()}


class Subject(BaseModel):
    """What an event is about."""

    type: str = Field(examples=["message"])
    id: str = Field(examples=["msg_000000000001a"])


class EventOut(BaseModel):
    """One event of the log. ``data`` depends on ``type``."""

    model_config = ConfigDict(title="Event")

    id: EventId
    type: str = Field(examples=["message.status"])
    at: UtcTime
    org: OrgId
    session: SessionId | None
    metadata: dict[str, str] = Field(default_factory=dict, description="The session's own, see its settings.")
    subject: Subject
    data: dict[str, Any]


def subject_type_of(name: str) -> str:
    """The kind of subject behind its name or its id prefix; raises LookupError."""
    if name in SUBJECTS:
        return name
    return _BY_PREFIX[name]


def envelope(event: Event) -> dict[str, Any]:
    """The event as everybody outside sees it."""
    return {
        "id": render_id("evt", event.id),
        "type": event.type,
        "at": render_time(event.at),
        "org": render_id("org", event.org_id),
        "session": None if event.session_id is None else render_id("ses", event.session_id),
        "metadata": event.labels or {},
        "subject": {
            "type": event.subject_type,
            "id": render_id(SUBJECTS[event.subject_type], event.subject_id),
        },
        "data": event.data,
    }


def encode_envelope(event: Event) -> bytes:
    """The envelope as JSON."""
    return msgspec.json.encode(envelope(event))
