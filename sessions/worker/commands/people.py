"""Looks people up: numbers, names and pictures."""

from __future__ import annotations

from sessions.address import Address
from sessions.commands.people import (
    AddressResolved,
    CheckNumbers,
    FetchPicture,
    NumberFound,
    NumbersChecked,
    PictureFound,
    ResolveAddress,
)
from sessions.worker.commands.area import Area, Desk
from sessions.worker.guard import people
from sessions.worker.outbound.parts import chat_jid


def check_numbers(desk: Desk, command: CheckNumbers) -> NumbersChecked:
    found = people.check_numbers(desk.handle, command.phones)
    return NumbersChecked(
        numbers=tuple(
            NumberFound(phone=phone, address=desk.resolve(Address.of(found[phone])) if phone in found else None)
            for phone in command.phones
        )
    )


def resolve(desk: Desk, command: ResolveAddress) -> AddressResolved:
    return AddressResolved(who=desk.resolve(command.who))


def fetch_picture(desk: Desk, command: FetchPicture) -> PictureFound:
    return PictureFound(url=people.picture_url(desk.handle, chat_jid(command.who), preview=command.preview))


AREA = Area(
    does={CheckNumbers: check_numbers, ResolveAddress: resolve, FetchPicture: fetch_picture},
    answered_by_whatsapp=frozenset({CheckNumbers, FetchPicture}),
)
