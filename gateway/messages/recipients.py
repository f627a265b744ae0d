"""Reads whom a message is for: a phone number, a contact's id, or a WhatsApp address."""

from __future__ import annotations

import re
from dataclasses import dataclass

import phonenumbers

from gateway.kit.errors import FieldError, InvalidError
from gateway.kit.ids import InvalidIdError, parse_id
from sessions.address import Address, AddressKind, InvalidJidError, Jid

_PUNCTUATION = re.compile(r"[\s().\-\u00a0\u2010-\u2015/]+")
_SENDABLE = (AddressKind.PERSON, AddressKind.GROUP)


@dataclass(frozen=True, kw_only=True)
class Recipient:
    """Either a contact of ours or an address; exactly one is set."""

    contact_id: int | None = None
    address: Address | None = None


def read_recipient(text: str, *, field: str = "to") -> Recipient:
    """Understand ``to``; raises InvalidError that names the field."""
    given = text.strip()
    if given.startswith("con_"):
        try:
            return Recipient(contact_id=parse_id("con", given))
        except InvalidIdError as error:
            raise _refused(field, "This is not the id of a contact.") from error
    if "@" in given:
        return Recipient(address=_read_jid(given, field))
    return Recipient(address=Address.of(Jid.from_phone(read_phone(given, field=field))))


def read_phone(text: str, *, field: str) -> str:
    """The E.164 form of a number with its country code; raises InvalidError for what cannot be one.

    Blanks and punctuation are fine, so is a leading 00 for the plus sign, and so are bare digits. A national number
    (leading 0) is refused: the country would be a guess.
    """
    digits = _PUNCTUATION.sub("", text.strip())
    if digits.startswith("00"):
        digits = digits[2:]
    digits = digits.removeprefix("+")
    if not (digits.isascii() and digits.isdecimal()):
        raise _refused(field, "This is not a phone number. Write it with its country code: +4915112345678.")
    if digits.startswith("0"):
        raise _refused(field, "The country code is missing. Write the number as +4915112345678.")
    try:
        number = phonenumbers.parse(f"+{digits}")
    except phonenumbers.NumberParseException as error:
        raise _refused(field, "No country has such a number.") from error
    if not phonenumbers.is_possible_number(number):
        raise _refused(field, "The number is too long or too short for its country.")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _read_jid(text: str, field: str) -> Address:
    try:
        address = Address.of(Jid.parse(text))
    except InvalidJidError as error:
        raise _refused(field, "This is not a WhatsApp address.") from error
    if address.kind not in _SENDABLE:
        raise _refused(field, "Messages can go to people and to groups.")
    if not address.primary.user.replace("-", "").isdecimal():
        raise _refused(field, "This is not a WhatsApp address.")
    return address


def _refused(field: str, problem: str) -> InvalidError:
    return InvalidError(problem, code="recipient_invalid", fields=(FieldError(path=field, problem=problem),))
