"""Slows down whoever guesses passwords."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from gateway.kit.clock import Clock
from gateway.kit.errors import TooManyError

_FREE_TRIES_PER_PAIR: Final = 5  # one account from one address
_FREE_TRIES_PER_ADDRESS: Final = 30
_FREE_TRIES_PER_ACCOUNT: Final = 100  # high, so that a stranger cannot lock an owner out cheaply
_FIRST_DELAY_SECONDS: Final = 2.0
_LONGEST_DELAY_SECONDS: Final = 900.0
_FORGET_SECONDS: Final = 3600.0
_REMEMBERED: Final = 20_000


@dataclass(slots=True)
class _Failures:
    count: int = 0
    blocked_until: float = 0.0
    last_at: float = 0.0


class SignInThrottle:
    """Counts failed sign-ins per account, address and both; beyond a few, each costs twice the wait of the last."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._failures: OrderedDict[tuple[str, str], _Failures] = OrderedDict()

    def attempt(self, account: str, address: str) -> None:
        """Begin a sign-in; raises TooManyError while the account or the address must wait.

        It counts as failed until :meth:`succeeded`, so that a volley of guesses at once gains nothing.
        """
        now = self._clock.monotonic()
        wait = max(self._wait(slot, now) for slot, _ in _slots(account, address))
        if wait > 0:
            raise TooManyError(
                "Too many failed sign-ins. Wait a little.", code="sign_in_throttled", retry_after_seconds=wait
            )
        self._count(account, address, now)

    def succeeded(self, account: str, address: str) -> None:
        """Forgive this account at this address, and take the attempt back elsewhere."""
        for slot, free_tries in _slots(account, address):
            failures = self._failures.get(slot)
            if failures is None:
                continue
            failures.count = 0 if slot[0] == "pair" else failures.count - 1
            if failures.count < free_tries:
                failures.blocked_until = 0.0

    def _count(self, account: str, address: str, now: float) -> None:
        for slot, free_tries in _slots(account, address):
            failures = self._failures.pop(slot, None)
            if failures is None or now - failures.last_at > _FORGET_SECONDS:
                failures = _Failures()
            failures.count += 1
            failures.last_at = now
            over = failures.count - free_tries
            if over >= 0:
                delay = min(_FIRST_DELAY_SECONDS * 2 ** min(over, 20), _LONGEST_DELAY_SECONDS)
                failures.blocked_until = now + delay
            self._failures[slot] = failures
        while len(self._failures) > _REMEMBERED:
            self._failures.popitem(last=False)

    def _wait(self, slot: tuple[str, str], now: float) -> float:
        failures = self._failures.get(slot)
        return failures.blocked_until - now if failures is not None else 0.0


def _slots(account: str, address: str) -> tuple[tuple[tuple[str, str], int], ...]:
    return (
        (("pair", f"{account}\n{address}"), _FREE_TRIES_PER_PAIR),
        (("address", address), _FREE_TRIES_PER_ADDRESS),
        (("account", account), _FREE_TRIES_PER_ACCOUNT),
    )
