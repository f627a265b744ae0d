"""Reads the Range header of a request for a file."""

from __future__ import annotations

import re
from typing import Final

_ONE_RANGE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


class NoSuchRangeError(ValueError):
    """The file has no such bytes."""


def read_range(header: str | None, size: int) -> tuple[int, int] | None:
    """First byte and the one after the last; None for the whole file. Raises NoSuchRangeError.

    What is not understood, several ranges for one, is left aside: that gives the whole file, as the standard has it.
    """
    found = _ONE_RANGE.fullmatch((header or "").strip())
    if found is None or found.group(1, 2) == ("", ""):
        return None
    first, last = found.group(1, 2)
    if not first:
        start, stop = max(size - int(last), 0), size
    else:
        start, stop = int(first), min(int(last) + 1 if last else size, size)
    if last and first and int(last) < int(first):
        return None
    if start >= stop:
        raise NoSuchRangeError
    return start, stop
