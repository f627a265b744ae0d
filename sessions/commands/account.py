"""Commands about the linked account itself, and about what other people tell of themselves."""

from __future__ import annotations

from typing import Literal

import msgspec

from sessions.address import Address
from sessions.commands.base import Command, Result

#: The settings that decide who sees what, and the values each may be given.
PrivacyName = Literal["last_seen", "online", "about", "picture", "read_receipts", "groups", "calls"]
PrivacyValue = Literal["all", "contacts", "contacts_except", "none", "match_last_seen", "known"]


class FetchPeople(Command, frozen=True, tag="fetch_people"):
    """What people tell of themselves: about text, picture, devices, verified name."""

    who: tuple[Address, ...]


class LookUpNames(Command, frozen=True, tag="look_up_names"):
    """The other name of each person; ``ask``: numbers that the engine does not know yet are asked for at WhatsApp."""

    who: tuple[Address, ...]
    ask: bool = False


class SetName(Command, frozen=True, tag="set_name"):
    name: str


class SetAbout(Command, frozen=True, tag="set_about"):
    about: str


class SetPicture(Command, frozen=True, tag="set_picture"):
    jpeg: bytes


class FetchPrivacy(Command, frozen=True, tag="fetch_privacy"):
    """Who sees what of the linked account."""


class SetPrivacy(Command, frozen=True, tag="set_privacy"):
    name: PrivacyName
    value: PrivacyValue


class FetchBlocklist(Command, frozen=True, tag="fetch_blocklist"):
    """Whom the linked account has blocked."""


class SetBlocked(Command, frozen=True, tag="set_blocked"):
    who: Address
    blocked: bool


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody tells of themselves, as far as they let us know."""

    address: Address
    about: str | None = None
    picture_id: str | None = None
    devices: tuple[int, ...] = ()
    verified_name: str | None = None


class PeopleFound(Result, frozen=True, tag="people"):
    people: tuple[Person, ...]


class NamesFound(Result, frozen=True, tag="names"):
    """In the order of the question."""

    people: tuple[Address, ...]


class PictureSet(Result, frozen=True, tag="picture_set"):
    picture_id: str


class PrivacyFound(Result, frozen=True, tag="privacy"):
    """What WhatsApp has not said is not there."""

    settings: dict[PrivacyName, PrivacyValue]


class BlocklistFound(Result, frozen=True, tag="blocklist"):
    people: tuple[Address, ...]


AccountCommand = (
    FetchPeople
    | LookUpNames
    | SetName
    | SetAbout
    | SetPicture
    | FetchPrivacy
    | SetPrivacy
    | FetchBlocklist
    | SetBlocked
)
AccountResult = PeopleFound | NamesFound | PictureSet | PrivacyFound | BlocklistFound
