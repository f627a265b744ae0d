"""What the fake knows of the linked account, and of what people tell of themselves."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sessions.address import Address
from sessions.channels import Channel, Post
from sessions.commands.account import (
    BlocklistFound,
    FetchBlocklist,
    FetchPeople,
    FetchPrivacy,
    LookUpNames,
    NamesFound,
    PeopleFound,
    Person,
    PictureSet,
    PrivacyFound,
    SetAbout,
    SetBlocked,
    SetPicture,
    SetPrivacy,
)
from sessions.errors import InvalidRequestError, RecipientUnknownError
from sessions.fake.parts import FakeSession
from sessions.fake.world import Answers, FakeWorld

_PRIVACY: dict[Any, Any] = {
    "last_seen": "all",
    "online": "all",
    "about": "all",
    "picture": "all",
    "read_receipts": "all",
    "groups": "all",
    "calls": "all",
}
_ABOUT = "Hey there! I am using WhatsApp."


@dataclass
class FakeAccount:
    """What one account has set, and the channels that it opened."""

    about: str = _ABOUT
    picture_id: str | None = None
    privacy: dict[Any, Any] = field(default_factory=lambda: dict(_PRIVACY))
    blocked: list[Address] = field(default_factory=list)


@dataclass
class FakeChannel:
    """One channel, and what is in it."""

    channel: Channel
    followers: set[str] = field(default_factory=set)
    muted: set[str] = field(default_factory=set)
    owner: str = ""
    posts: list[Post] = field(default_factory=list)


def account_of(world: FakeWorld, session: FakeSession) -> FakeAccount:
    """The account that a session is linked to."""
    assert session.phone is not None
    account: FakeAccount = world.accounts.setdefault(session.phone.number, FakeAccount())
    return account


def fetch_people(world: FakeWorld, session: FakeSession, command: FetchPeople) -> PeopleFound:
    known = [address for who in command.who if (address := world.known(who)) is not None]
    return PeopleFound(people=tuple(_person(world, address) for address in known))


def look_up(world: FakeWorld, session: FakeSession, command: LookUpNames) -> NamesFound:
    return NamesFound(people=tuple(world.known(who) or who for who in command.who))


def set_about(world: FakeWorld, session: FakeSession, command: SetAbout) -> None:
    account_of(world, session).about = command.about


def set_picture(world: FakeWorld, session: FakeSession, command: SetPicture) -> PictureSet:
    if not command.jpeg.startswith(b"\xff\xd8\xff"):
        raise InvalidRequestError
    account = account_of(world, session)
    account.picture_id = str(next(world.ids))
    return PictureSet(picture_id=account.picture_id)


def fetch_privacy(world: FakeWorld, session: FakeSession, command: FetchPrivacy) -> PrivacyFound:
    return PrivacyFound(settings=dict(account_of(world, session).privacy))


def set_privacy(world: FakeWorld, session: FakeSession, command: SetPrivacy) -> PrivacyFound:
    account = account_of(world, session)
    account.privacy[command.name] = command.value
    return PrivacyFound(settings=dict(account.privacy))


def fetch_blocklist(world: FakeWorld, session: FakeSession, command: FetchBlocklist) -> BlocklistFound:
    return BlocklistFound(people=tuple(account_of(world, session).blocked))


def set_blocked(world: FakeWorld, session: FakeSession, command: SetBlocked) -> BlocklistFound:
    account, who = account_of(world, session), world.known(command.who)
    if who is None:
        raise RecipientUnknownError
    others = [one for one in account.blocked if one != who]
    account.blocked = [*others, who] if command.blocked else others
    return BlocklistFound(people=tuple(account.blocked))


def _person(world: FakeWorld, address: Address) -> Person:
    account = world.accounts.get(address.phone or "", FakeAccount())
    return Person(address=address, about=account.about, picture_id=account.picture_id, devices=(0,))


ANSWERS: Answers = {
    FetchPeople: fetch_people,
    LookUpNames: look_up,
    SetAbout: set_about,
    SetPicture: set_picture,
    FetchPrivacy: fetch_privacy,
    SetPrivacy: set_privacy,
    FetchBlocklist: fetch_blocklist,
    SetBlocked: set_blocked,
}
