"""Passwords: argon2id, in threads, at most two at once."""

from __future__ import annotations

import asyncio
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from gateway.kit.errors import FieldError, InvalidError

SHORTEST_PASSWORD: Final = 10
LONGEST_PASSWORD: Final = 200
_AT_ONCE: Final = 2  # each takes 64 MiB and a core for a tenth of a second


class Passwords:
    """Hashes and verifies. A flood of sign-ins waits in a line instead of filling the memory."""

    def __init__(self, *, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._nobodys_hash: str | None = None

    async def hash(self, password: str) -> str:
        """What is kept of a password; raises InvalidError for one that is too short."""
        demand_sound(password)
        async with self._turns:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def verify(self, password: str, password_hash: str | None) -> bool:
        """Whether the password is the one behind the hash. None takes as long as a real one and is always wrong."""
        async with self._turns:
            if password_hash is None:
                await asyncio.to_thread(self._verify_nobody, password)
                return False
            return await asyncio.to_thread(self._verify, password, password_hash)

    def is_outdated(self, password_hash: str) -> bool:
        """Whether the hash was made with weaker settings than today's."""
        return self._hasher.check_needs_rehash(password_hash)

    def _verify(self, password: str, password_hash: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False

    def _verify_nobody(self, password: str) -> None:
        if self._nobodys_hash is None:
            self._nobodys_hash = self._hasher.hash("nobody has this password")
        self._verify(password, self._nobodys_hash)


def demand_sound(password: str) -> None:
    """Raise InvalidError for a password that is too short or too long."""
    if SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        return
    problem = f"Must have {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters"
    raise InvalidError(code="password_unsound", fields=(FieldError(path="password", problem=problem),))
