"""Brings new events to everybody who listens: one reader of the log, many streams."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import msgspec
import structlog

from gateway.db.tx import Database, Tx
from gateway.events import store
from gateway.events.interest import Interest
from gateway.events.models import Event
from gateway.events.told import Told
from gateway.kit.service import Wakeable

log = structlog.get_logger(__name__)

#: Events of other hosts on the same database are seen after this time at the latest.
LOOK_EVERY_SECONDS: Final = 1.0
#: A listener for whom there was nothing is told this often how far it has come.
QUIET_SECONDS: Final = 15.0
_PAGE: Final = 500
_LONGEST_QUEUE: Final = 2_000
#: How many events are handed over at once: what came together can be sent together.
_HANDFUL: Final = 100


class Reset(msgspec.Struct, frozen=True):
    """The listener was away for too long: what happened up to ``position`` and was not heard is deleted."""

    position: int


class Passed(msgspec.Struct, frozen=True):
    """Up to ``position`` there was nothing more for the listener; it may go on from there."""

    position: int


Heard = Told | Reset | Passed


class _Listener:
    """One stream's place at the hub; None in its queue is the end."""

    def __init__(self, interest: Interest, *, now: float) -> None:
        self.queue: asyncio.Queue[Told | Passed | None] = asyncio.Queue()
        self._interest = interest
        self._ended = False
        self._position = 0  #: what was queued last
        self._queued_at = now

    def offer(self, event: Told, *, now: float) -> bool:
        """Queue the event, if it is wanted. False cuts off a listener that has stopped listening."""
        if self._ended or not self._interest.covers(event):
            return True
        if self.queue.qsize() >= _LONGEST_QUEUE:
            log.info("event stream cut off", waiting=self.queue.qsize())
            self.end()
            return False
        self._queue(event, now)
        return True

    def reassure(self, position: int, *, now: float, quiet_seconds: float) -> None:
        """Say how far the log has come, if there was nothing for it for a while."""
        is_quiet = now - self._queued_at >= quiet_seconds and self.queue.empty()
        if is_quiet and position > self._position and not self._ended:
            self._queue(Passed(position), now)

    def _queue(self, heard: Told | Passed, now: float) -> None:
        self._position, self._queued_at = heard.position, now
        self.queue.put_nowait(heard)

    def end(self) -> None:
        """Let it finish what is queued and end."""
        if not self._ended:
            self._ended = True
            self.queue.put_nowait(None)

    async def handful(self) -> list[Told | Passed | None]:
        """What waits, up to a limit, as soon as something does."""
        waiting = [await self.queue.get()]
        while waiting[-1] is not None and len(waiting) < _HANDFUL and not self.queue.empty():
            waiting.append(self.queue.get_nowait())
        return waiting


class EventHub(Wakeable):
    """Reads the log once for all listeners, woken by commits. Idle while nobody listens."""

    def __init__(self, *, database: Database, quiet_seconds: float = QUIET_SECONDS) -> None:
        super().__init__(interval_seconds=LOOK_EVERY_SECONDS)
        self._database = database
        self._quiet_seconds = quiet_seconds
        self._listeners: set[_Listener] = set()
        self._position = 0
        self._reassured_at = 0.0
        self.cut_off = 0  #: listeners that let too much pile up

    @property
    def listeners(self) -> int:
        """How many listen just now."""
        return len(self._listeners)

    async def now(self) -> int:
        """The position of the newest event: listening after it is listening from now on."""
        return await self._database.read(store.last_position)

    async def listen(self, interest: Interest, *, after: int) -> AsyncGenerator[Sequence[Heard]]:
        """Events after a position, first from the log, then as they are committed; 0 is the beginning of the log.

        They come by the handful, each once and in order. Ends when the listener lets too many pile up, or the hub
        stops. Nothing is skipped silently: a :class:`Reset` stands for what is deleted already.
        """
        with self._joined(interest, await self.now()) as listener:
            position = after
            # Whatever was committed before joining is in the log by now, the rest comes through the queue.
            async for logged in self._logged(interest, position):
                position = logged[-1].position
                yield logged
            async for heard in self._live(listener, position):
                yield heard

    async def run_once(self) -> float | None:
        if not self._listeners:
            return None
        after = self._position
        rows = await self._database.read(lambda tx: store.everything_after(tx, after=after, limit=_PAGE))
        now = asyncio.get_running_loop().time()
        for row in rows:
            self._hand_out(Told(row), now)
        if now >= self._reassured_at + LOOK_EVERY_SECONDS:
            self._reassured_at = now
            for listener in self._listeners:
                listener.reassure(self._position, now=now, quiet_seconds=self._quiet_seconds)
        return 0.0 if len(rows) == _PAGE else None

    async def stop(self) -> None:
        await super().stop()
        for listener in self._listeners:
            listener.end()

    def _hand_out(self, event: Told, now: float) -> None:
        self._position = event.position
        for listener in self._listeners:
            if not listener.offer(event, now=now):
                self.cut_off += 1

    @contextmanager
    def _joined(self, interest: Interest, newest: int) -> Iterator[_Listener]:
        listener = _Listener(interest, now=asyncio.get_running_loop().time())
        if not self._listeners:
            self._position = newest  # nobody needs what came before
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    async def _live(self, listener: _Listener, position: int) -> AsyncIterator[Sequence[Heard]]:
        while True:
            waiting = await listener.handful()
            fresh = [heard for heard in waiting if heard is not None and heard.position > position]
            if fresh:
                position = fresh[-1].position
                yield fresh
            if waiting[-1] is None:
                return

    async def _logged(self, interest: Interest, position: int) -> AsyncIterator[Sequence[Told | Reset]]:
        while True:
            start, rows = await self._logged_page(interest, position)
            if 0 < position < start:
                yield [Reset(start)]
            position = max(position, start)
            for begin in range(0, len(rows), _HANDFUL):  # whoever is cut off early costs no more than a handful
                position = rows[begin : begin + _HANDFUL][-1].id
                yield [Told(row) for row in rows[begin : begin + _HANDFUL]]
            if len(rows) < _PAGE:
                return

    async def _logged_page(self, interest: Interest, after: int) -> tuple[int, Sequence[Event]]:
        """Where the log begins, and the events after a position."""

        def work(tx: Tx) -> tuple[int, Sequence[Event]]:
            start = store.start_of_log(tx, org_id=interest.org_id)
            return start, store.page_for(tx, interest, after=max(after, start), limit=_PAGE)

        return await self._database.read(work)
