"""Reads phone numbers as people write them."""

from __future__ import annotations

import re

import phonenumbers

from gateway.contacts.variants import other_form
from gateway.kit.errors import FieldError, InvalidError

_PUNCTUATION = re.compile(r"[\s().\-\u00a0\u2010-\u2015/]+")


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
        raise refuse_recipient(field, "This is not a phone number. Write it with its country code: +4915112345678.")
    if digits.startswith("0"):
        raise refuse_recipient(field, "The country code is missing. Write the number as +4915112345678.")
    try:
        number = phonenumbers.parse(f"+{digits}")
    except phonenumbers.NumberParseException as error:
        raise refuse_recipient(field, "No country has such a number.") from error
    if not (phonenumbers.is_possible_number(number) or _is_old_form(digits)):
        raise refuse_recipient(field, "The number is too long or too short for its country.")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _is_old_form(digits: str) -> bool:
    """Countries give forms up that WhatsApp goes on using."""
    other = other_form(f"+{digits}")
    return other is not None and phonenumbers.is_possible_number(phonenumbers.parse(other))


def refuse_recipient(field: str, problem: str) -> InvalidError:
    """What is said of something that names nobody."""
    return InvalidError(problem, code="recipient_invalid", fields=(FieldError(path=field, problem=problem),))
