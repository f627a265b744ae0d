"""Commands about people: numbers, names and pictures."""

from __future__ import annotations

import msgspec

from sessions.address import Address
from sessions.commands.base import Command, Result


class CheckNumbers(Command, frozen=True, tag="check_numbers"):
    phones: tuple[str, ...]  #: E.164 with plus


class ResolveAddress(Command, frozen=True, tag="resolve"):
    """Fill in the other name of a person, from what the engine already knows."""

    who: Address


class FetchPicture(Command, frozen=True, tag="picture"):
    who: Address
    preview: bool = True


class NumberFound(msgspec.Struct, frozen=True, kw_only=True):
    phone: str
    address: Address | None  #: None: not on WhatsApp


class NumbersChecked(Result, frozen=True, tag="numbers"):
    numbers: tuple[NumberFound, ...]


class AddressResolved(Result, frozen=True, tag="address"):
    who: Address


class PictureFound(Result, frozen=True, tag="picture"):
    url: str | None


PeopleCommand = CheckNumbers | ResolveAddress | FetchPicture
PeopleResult = NumbersChecked | AddressResolved | PictureFound
