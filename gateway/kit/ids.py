"""Primary keys: 63-bit time-ordered integers inside, ``msg_`` + Crockford base32 at the edge."""

from __future__ import annotations

import random
import threading
from datetime import datetime
from typing import Final

from gateway.kit.clock import Clock

_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_VALUES: Final = {letter: value for value, letter in enumerate(_ALPHABET)}
_DIGITS: Final = 13  # 13 * 5 = 65 bits hold 63
#: Every event renders half a dozen ids, hence two digits at a time.
_PAIRS: Final = tuple(first + second for first in _ALPHABET for second in _ALPHABET)
_PAIR_SHIFTS: Final = (50, 40, 30, 20, 10, 0)
_RANDOM_BITS: Final = 22
_EARLY_RANDOM_BITS: Final = 12  # of ids before the epoch, which are counted in seconds
_LAST: Final = (1 << 63) - 1
_EPOCH_MS: Final = 1_735_689_600_000  # 2025-01-01


class InvalidIdError(ValueError):
    """The text is not an id of the expected kind."""


class IdGenerator:
    """Gives integers that grow with time: 41 bits of milliseconds, 22 bits that differ within one.

    Within a process they grow strictly, so rows sort in the order they were made; the random start keeps two hosts
    on one database apart.
    """

    def __init__(self, *, clock: Clock, chance: random.Random) -> None:
        self._clock = clock
        self._chance = chance
        self._last = 0
        self._lock = threading.Lock()

    def new(self) -> int:
        """The next id."""
        milliseconds = int(self._clock.now().timestamp() * 1000) - _EPOCH_MS
        candidate = (milliseconds << _RANDOM_BITS) | self._chance.getrandbits(_RANDOM_BITS - 1)
        with self._lock:
            self._last = max(candidate, self._last + 1)
            return self._last

    def at(self, moment: datetime) -> int:
        """An id that sorts among those made at ``moment``: for rows that tell of the past."""
        milliseconds = int(moment.timestamp() * 1000) - _EPOCH_MS
        if milliseconds > 0:
            return (milliseconds << _RANDOM_BITS) | self._chance.getrandbits(_RANDOM_BITS)
        seconds = max(int(moment.timestamp()), 1)
        return (seconds << _EARLY_RANDOM_BITS) | self._chance.getrandbits(_EARLY_RANDOM_BITS)


def first_id_at(moment: datetime) -> int:
    """The smallest id of what was made at ``moment`` or later."""
    milliseconds = int(moment.timestamp() * 1000) - _EPOCH_MS
    if milliseconds > 0:
        return min(milliseconds << _RANDOM_BITS, _LAST)
    return max(int(moment.timestamp()), 1) << _EARLY_RANDOM_BITS


def render_id(prefix: str, value: int) -> str:
    """``render_id("msg", 42)`` -> ``msg_000000000001a``."""
    pairs = "".join([_PAIRS[value >> shift & 1023] for shift in _PAIR_SHIFTS])
    return f"{prefix}_{_ALPHABET[value >> 60]}{pairs}"


def parse_id(prefix: str, text: str) -> int:
    """The integer behind a rendered id; raise InvalidIdError when it is not one of this kind."""
    kind, separator, digits = text.partition("_")
    if kind != prefix or not separator or len(digits) != _DIGITS:
        raise InvalidIdError(f"expected an id that starts with {prefix}_")
    value = 0
    for letter in digits.lower():
        if letter not in _VALUES:
            raise InvalidIdError(f"expected an id that starts with {prefix}_")
        value = value * 32 + _VALUES[letter]
    if value >= 1 << 63:
        raise InvalidIdError(f"expected an id that starts with {prefix}_")
    return value
