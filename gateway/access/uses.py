"""Remembers when keys and sign-ins were last used, and writes it now and then."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from gateway.access import store
from gateway.db.tx import Database, Tx
from gateway.kit.clock import Clock
from gateway.kit.service import Wakeable

WRITE_EVERY_SECONDS: Final = 30.0


class UseRecorder(Wakeable):
    """Keeps uses in memory and writes them twice a minute: a request must not cost a write."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        super().__init__(interval_seconds=WRITE_EVERY_SECONDS)
        self._database = database
        self._clock = clock
        self._keys: dict[int, datetime] = {}
        self._sign_ins: dict[int, datetime] = {}

    def key_used(self, key_id: int) -> None:
        """A key has just been used."""
        self._keys[key_id] = self._clock.now()

    def sign_in_used(self, sign_in_id: int) -> None:
        """A sign-in has just been used."""
        self._sign_ins[sign_in_id] = self._clock.now()

    def last_use_of_sign_in(self, sign_in_id: int) -> datetime | None:
        """A use that is not written yet."""
        return self._sign_ins.get(sign_in_id)

    async def run_once(self) -> float | None:
        keys, sign_ins = self._keys, self._sign_ins
        self._keys, self._sign_ins = {}, {}
        if not keys and not sign_ins:
            return None
        try:
            await self._database.write(lambda tx: _write(tx, keys, sign_ins))
        except BaseException:
            self._keys, self._sign_ins = keys | self._keys, sign_ins | self._sign_ins
            raise
        return None

    async def stop(self) -> None:
        await super().stop()
        await self.run_once()


def _write(tx: Tx, keys: dict[int, datetime], sign_ins: dict[int, datetime]) -> None:
    store.note_key_uses(tx, keys)
    store.note_sign_in_uses(tx, sign_ins)
