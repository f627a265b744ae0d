"""Numbers that some countries write in two ways; both lead to the same subscriber, and WhatsApp knows only one."""

from __future__ import annotations

import re
from typing import Final

#: What a number looks like, and its other form. The longer one names a mobile in each of these countries.
_FORMS: Final = (
    (re.compile(r"\+55([1-9][0-9])9([6-9][0-9]{7})"), r"+55\1\2"),  # Brazil: mobiles got a ninth digit
    (re.compile(r"\+55([1-9][0-9])([6-9][0-9]{7})"), r"+55\g<1>9\2"),
    (re.compile(r"\+521([0-9]{10})"), r"+52\1"),  # Mexico: the 1 before mobiles was given up
    (re.compile(r"\+52([2-9][0-9]{9})"), r"+521\1"),
    (re.compile(r"\+549([0-9]{10})"), r"+54\1"),  # Argentina: mobiles are called with a 9 from abroad
    (re.compile(r"\+54([1-8][0-9]{9})"), r"+549\1"),
)


def other_form(phone: str) -> str | None:
    """The same number written the other way; None where there is only one."""
    for pattern, other in _FORMS:
        found = pattern.fullmatch(phone)
        if found is not None:
            return found.expand(other)
    return None
