"""How contacts look at the edge."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from gateway.contacts.models import Contact
from gateway.kit.ids import render_id
from gateway.kit.times import render_time


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


class ContactPage(BaseModel):
    items: list[ContactOut]
    next: str | None


class ContactPatch(BaseModel):
    """What may be changed of a contact."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(max_length=200, description="Our name for them; null goes back to the push name.")


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
    }
