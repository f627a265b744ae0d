"""Says whom a key or a cookie stands for: from memory for a second, then from the store again."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from gateway.access import secrets, store
from gateway.access.errors import KeyRefusedError, SignInEndedError
from gateway.access.service import principal_of_key, principal_of_user
from gateway.access.uses import UseRecorder
from gateway.db.tx import Database
from gateway.kit.clock import Clock
from gateway.principal import Principal

#: A revocation by another process (a command, another host) is seen after this time at the latest.
TRUST_SECONDS: Final = 1.0
_REMEMBERED: Final = 5_000


@dataclass(frozen=True, slots=True)
class _Known:
    principal: Principal
    row_id: int
    ends_at: datetime | None  #: from when on it no longer counts, whatever the store says


@dataclass(slots=True)
class _Slot:
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    known: _Known | None = None
    trusted_until: float = 0.0


class StoreAuthenticator:
    """The :class:`gateway.api.credentials.Authenticator` of the gateway."""

    def __init__(self, *, database: Database, clock: Clock, uses: UseRecorder, sign_in_idle_hours: float = 24) -> None:
        self._database = database
        self._clock = clock
        self._uses = uses
        self._idle = timedelta(hours=sign_in_idle_hours)
        self._slots: OrderedDict[bytes, _Slot] = OrderedDict()

    def forget(self) -> None:
        """Ask the store again for everybody; called after a revocation here."""
        for slot in self._slots.values():
            slot.trusted_until = 0.0

    async def by_key(self, plaintext: str) -> Principal:
        if not secrets.is_key(plaintext):
            raise KeyRefusedError
        digest = secrets.digest(plaintext)
        known = await self._known(digest, lambda: self._load_key(digest))
        if known is None:
            raise KeyRefusedError
        self._uses.key_used(known.row_id)
        return known.principal

    async def by_sign_in(self, token: str) -> Principal:
        digest = secrets.digest(token)
        known = await self._known(digest, lambda: self._load_sign_in(digest))
        if known is None:
            raise SignInEndedError
        self._uses.sign_in_used(known.row_id)
        return known.principal

    async def _known(self, digest: bytes, load: Callable[[], Awaitable[_Known | None]]) -> _Known | None:
        slot = self._slot(digest)
        if slot.trusted_until <= self._clock.monotonic():
            async with slot.turn:  # a thousand requests at once ask the store once
                if slot.trusted_until <= self._clock.monotonic():
                    asked_at = self._clock.monotonic()
                    slot.known = await load()
                    slot.trusted_until = asked_at + TRUST_SECONDS
        known = slot.known
        if known is None or (known.ends_at is not None and known.ends_at <= self._clock.now()):
            return None
        return known

    def _slot(self, digest: bytes) -> _Slot:
        slot = self._slots.get(digest)
        if slot is None:
            slot = self._slots[digest] = _Slot()
            while len(self._slots) > _REMEMBERED:
                self._slots.popitem(last=False)
        return slot

    async def _load_key(self, digest: bytes) -> _Known | None:
        row = await self._database.read(lambda tx: store.find_key_by_hash(tx, digest))
        if row is None or row.revoked_at is not None:
            return None
        return _Known(principal_of_key(row), row.id, row.expires_at)

    async def _load_sign_in(self, digest: bytes) -> _Known | None:
        found = await self._database.read(lambda tx: store.find_sign_in(tx, digest))
        if found is None or not found[1].active:
            return None
        sign_in, user = found
        seen_at = self._uses.last_use_of_sign_in(sign_in.id) or sign_in.seen_at
        return _Known(principal_of_user(user), sign_in.id, min(sign_in.expires_at, seen_at + self._idle))
