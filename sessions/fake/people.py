"""What the fake knows of people."""

from __future__ import annotations

from sessions.commands.people import (
    AddressResolved,
    CheckNumbers,
    FetchPicture,
    NumberFound,
    NumbersChecked,
    PictureFound,
    ResolveAddress,
)
from sessions.fake.parts import FakeSession
from sessions.fake.world import Answers, FakeWorld


def check_numbers(world: FakeWorld, session: FakeSession, command: CheckNumbers) -> NumbersChecked:
    known = ((phone, world.phones.get(phone)) for phone in command.phones)
    return NumbersChecked(
        numbers=tuple(NumberFound(phone=phone, address=found.address if found else None) for phone, found in known)
    )


def resolve(world: FakeWorld, session: FakeSession, command: ResolveAddress) -> AddressResolved:
    return AddressResolved(who=world.known(command.who) or command.who)


def fetch_picture(world: FakeWorld, session: FakeSession, command: FetchPicture) -> PictureFound:
    return PictureFound(url=None)


ANSWERS: Answers = {CheckNumbers: check_numbers, ResolveAddress: resolve, FetchPicture: fetch_picture}
