"""Writes into a store without a pause: contacts, each with its alias and its event in one transaction."""

from __future__ import annotations

import asyncio
import random
import time
from pathlib import Path
from types import TracebackType
from typing import Final

from gateway.contacts.service import Contacts
from gateway.db.sqlite import SqliteDatabase
from gateway.db.tx import Tx
from gateway.events.service import EventLog
from gateway.kit.clock import SystemClock
from gateway.kit.ids import IdGenerator
from gateway.orgs.service import DEFAULT_ORG_ID
from sessions.address import Address, Jid

_TICK_SECONDS: Final = 0.02
_MOST_AT_ONCE: Final = 50


class Scribe:
    """Knows how many of its writes are durable. A visitor in the store, beside the gateway that owns it."""

    #: Numbers that nobody else has.
    prefix: Final = "+49155555"

    def __init__(self, path: Path, *, per_second: float) -> None:
        clock = SystemClock()
        ids = IdGenerator(clock=clock, chance=random.Random(5))
        self._path = path
        self._per_second = per_second
        self._contacts = Contacts(ids=ids, clock=clock, events=EventLog(clock=clock))
        self._database: SqliteDatabase | None = None
        self._seconds = 0.0
        self.written = 0

    @property
    def rate(self) -> float:
        """Writes a second so far."""
        return self.written / self._seconds if self._seconds else 0.0

    async def __aenter__(self) -> Scribe:
        self._database = await SqliteDatabase.open(self._path, guest=True)
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        assert self._database is not None, "entered before it is left"
        await self._database.close()

    async def run(self, is_over: asyncio.Event) -> None:
        """Write as fast as was asked for, or as fast as it goes, until it is over."""
        began = time.monotonic()
        while not is_over.is_set():
            # What a slow machine does not manage is not made up for: that would be another kind of test.
            due = min(int((time.monotonic() - began) * self._per_second) - self.written, _MOST_AT_ONCE)
            await asyncio.gather(*(self._write(self.written + number) for number in range(due)))
            self.written += max(due, 0)
            self._seconds = time.monotonic() - began
            await asyncio.sleep(_TICK_SECONDS)

    async def _write(self, number: int) -> None:
        assert self._database is not None, "entered before it runs"
        address = Address.of(Jid.from_phone(f"{self.prefix}{number:07d}"))

        def work(tx: Tx) -> None:
            self._contacts.identify(tx, org_id=DEFAULT_ORG_ID, address=address, push_name=f"Number {number}")

        await self._database.write(work)
