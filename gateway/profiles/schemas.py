"""What the routes about accounts and people take and give."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from sessions.address import Address
from sessions.commands.account import Person

MOST_NAMES = 100
_EVERYBODY = Literal["all", "contacts", "contacts_except", "none"]


class _Input(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ProfileOut(BaseModel):
    """The linked account as others see it."""

    name: str | None
    about: str | None
    picture_id: str | None
    picture_url: str | None = Field(description="Where WhatsApp serves the picture, for some days.")
    verified_name: str | None = Field(description="Of a business that WhatsApp has verified.")
    phone: str | None
    lid: str | None


class ProfileIn(_Input):
    """What to change; what is absent stays."""

    name: str | None = Field(default=None, min_length=1, max_length=25)
    about: str | None = Field(default=None, max_length=139)


class PictureOut(BaseModel):
    picture_id: str


class PrivacyOut(BaseModel):
    """Who sees what; null where WhatsApp has not said it in words that are known here."""

    last_seen: _EVERYBODY | None = None
    online: Literal["all", "match_last_seen"] | None = None
    about: _EVERYBODY | None = None
    picture: _EVERYBODY | None = None
    read_receipts: Literal["all", "none"] | None = None
    groups: _EVERYBODY | None = Field(default=None, description="Who may add the account to groups.")
    calls: Literal["all", "known"] | None = None


class PrivacyIn(_Input):
    """What to change; what is absent stays. `contacts_except` can only be chosen on the phone, as it needs a list."""

    last_seen: _EVERYBODY | None = None
    online: Literal["all", "match_last_seen"] | None = None
    about: _EVERYBODY | None = None
    picture: _EVERYBODY | None = None
    read_receipts: Literal["all", "none"] | None = None
    groups: _EVERYBODY | None = None
    calls: Literal["all", "known"] | None = None


class NameOut(BaseModel):
    """One person under both names that WhatsApp has for people, as far as they are known."""

    phone: str | None = Field(description="E.164.")
    jid: str = Field(description="The address that names this person best.")
    lid: str | None


class PersonOut(NameOut):
    """What somebody tells of themselves, as far as their privacy settings let this account see it."""

    about: str | None
    picture_id: str | None
    picture_url: str | None
    verified_name: str | None
    devices: list[int] = Field(description="0 is the phone, the others are linked devices.")


class BlocklistOut(BaseModel):
    items: list[NameOut]


class NamesIn(_Input):
    """People by number, contact id, JID or LID."""

    who: list[str] = Field(min_length=1, max_length=MOST_NAMES)
    ask: bool = Field(default=True, description="Ask WhatsApp for numbers whose LID is not known yet.")


class NamesOut(BaseModel):
    """In the order of the question."""

    items: list[NameOut]


class PresenceIn(_Input):
    available: bool = Field(description="Whether others see the account online.")


class SubscriptionIn(_Input):
    to: str = Field(min_length=1, max_length=100, description="Phone number, contact id, JID or LID.")


def render_name(who: Address) -> dict[str, object]:
    """One person under both names."""
    return {"phone": who.phone, "jid": str(who.primary), "lid": str(who.lid) if who.lid else None}


def render_person(person: Person, *, picture_url: str | None) -> dict[str, object]:
    """Somebody as JSON."""
    return {
        **render_name(person.address),
        "about": person.about,
        "picture_id": person.picture_id,
        "picture_url": picture_url,
        "verified_name": person.verified_name,
        "devices": list(person.devices),
    }
