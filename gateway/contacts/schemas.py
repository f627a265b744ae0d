"""How contacts look at the edge."""

from __future__ import annotations

from typing import Annotated, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from gateway.api.fields import ContactId, KeyId, MessageId, SessionId, UserId, UtcTime
from gateway.api.paging import Page
from gateway.contacts.models import ConsentEvent, Contact
from gateway.kit.ids import render_id
from gateway.kit.times import render_time


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("this is not a time zone such as Europe/Berlin")
    return name


ZoneName = Annotated[str, Field(max_length=64, examples=["Europe/Berlin"]), AfterValidator(_known_zone)]


class ContactOut(BaseModel):
    """One person."""

    id: str = Field(examples=["con_0dq1m8k3v2a7c"])
    name: str | None = Field(description="Our name for them.")
    push_name: str | None = Field(description="What they call themselves on WhatsApp.")
    phone: str | None = Field(description="E.164, where it is known.", examples=["+4915112345678"])
    lid: str | None = Field(description="WhatsApp's hidden-user address, where it is known.")
    jid: str | None = Field(description="The address that WhatsApp knows them by.")
    created_at: str
    last_interaction_at: str | None
    timezone: str | None = Field(description="Where they live, if we were told; else it is guessed from the number.")
    opted_out_at: str | None = Field(description="Since when they want no marketing.")
    blocked_at: str | None = Field(description="Since when nothing at all is sent to them.")


class ContactPage(BaseModel):
    items: list[ContactOut]
    next: str | None


class ContactIn(BaseModel):
    """A new contact."""

    model_config = ConfigDict(extra="forbid")

    to: str = Field(
        max_length=100,
        description="A phone number with its country code, or a WhatsApp address.",
        examples=["+4915112345678"],
    )
    name: str | None = Field(None, max_length=200, description="Our name for them.")
    timezone: ZoneName | None = Field(None, description="For quiet hours.")


class MergeIn(BaseModel):
    """The contact that goes."""

    model_config = ConfigDict(extra="forbid")

    contact: str = Field(
        max_length=100, description="Its id, number or WhatsApp address.", examples=["con_0dq1m8k3v2a7c"]
    )


class ContactPatch(BaseModel):
    """What may be changed of a contact."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(
        default=None, max_length=200, description="Our name for them; null goes back to the push name."
    )
    timezone: ZoneName | None = Field(default=None, description="For quiet hours; null guesses it from the number.")


class ConsentIn(BaseModel):
    """What is known about why."""

    model_config = ConfigDict(extra="forbid")

    note: str | None = Field(None, max_length=400, description="Kept as evidence.", examples=["Told us on the phone."])


class ConsentOut(BaseModel):
    """One piece of evidence."""

    id: str = Field(examples=["cns_0dq1m8k3v2a7c"])
    contact: ContactId
    consent: Literal["opted_out", "opted_in"]
    source: Literal["api", "keyword"] = Field(description="`keyword`: they wrote it themselves, see `message`.")
    at: UtcTime
    note: str | None
    api_key: KeyId | None
    user: UserId | None
    session: SessionId | None
    message: MessageId | None


class ConsentPage(Page[ConsentOut]):
    """Evidence, newest first."""


def render_contact(contact: Contact) -> dict[str, object]:
    """A contact as JSON, in answers and in events alike."""
    address = contact.address
    return {
        "id": render_id("con", contact.id),
        "name": contact.name,
        "push_name": contact.push_name,
        "phone": contact.phone,
        "lid": str(address.lid) if address.lid else None,
        "jid": str(address.primary) if address != type(address)() else None,
        "created_at": render_time(contact.created_at),
        "last_interaction_at": render_time(contact.last_interaction_at),
        "timezone": contact.timezone,
        "opted_out_at": render_time(contact.opted_out_at),
        "blocked_at": render_time(contact.blocked_at),
    }


def render_consent(row: ConsentEvent) -> dict[str, object]:
    """A piece of evidence as JSON."""
    return {
        "id": render_id("cns", row.id),
        "contact": render_id("con", row.contact_id),
        "consent": row.consent,
        "source": row.source,
        "at": render_time(row.at),
        "note": row.note,
        "api_key": _id("key", row.api_key_id),
        "user": _id("usr", row.user_id),
        "session": _id("ses", row.session_id),
        "message": _id("msg", row.message_id),
    }


def _id(prefix: str, value: int | None) -> str | None:
    return None if value is None else render_id(prefix, value)
