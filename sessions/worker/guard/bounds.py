"""Checks that more than one area makes, of what goes into the library and of what comes out."""

from __future__ import annotations

from sessions.address import AddressKind, Jid
from sessions.errors import InvalidRequestError
from sessions.worker import jids
from sessions.worker.refusals import error_for


def raise_for(error: str | bytes) -> None:
    """Raise what the library's error text means, if it gave one."""
    if error:
        raise error_for(jids.text(error))


def person(jid: Jid) -> Jid:
    if jid.kind is not AddressKind.PERSON:
        raise InvalidRequestError("This is only possible for a person.")
    return jid


def is_phone(phone: str) -> bool:
    digits = phone.removeprefix("+")
    return phone.startswith("+") and digits.isascii() and digits.isdecimal() and 7 <= len(digits) <= 15
