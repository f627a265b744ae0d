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
from gateway.events.models import Event
from gateway.kit.service import Wakeable

log = structlog.get_logger(__name__)

#: Events of other hosts on the same database are seen after this time at the latest.
LOOK_EVERY_SECONDS: Final = 1.0
_PAGE: Final = 500
_LONGEST_QUEUE: Final = 2_000


class Interest(msgspec.Struct, frozen=True, kw_only=True):
    """Which events a listener wants and may have."""

    org_id: int
    types: frozenset[str] | None = None  #: None means all
    session_ids: frozenset[int] | None = None  #: None means all, and those of no session

    def covers(self, event: Event) -> bool:
        """Whether the event is for this listener."""
        return (
            event.org_id == self.org_id
            and (self.types is None or event.type in self.types)
            and (self.session_ids is None or event.session_id in self.session_ids)
        )


class Reset(msgspec.Struct, frozen=True):
    """The listener was away for too long: what happened up to ``position`` and was not heard is deleted."""

    position: int


class _Listener:
    """One stream's place at the hub; None in its queue is the end."""

    def __init__(self, interest: Interest) -> None:
        self.queue: asyncio.Queue[Event | None] = asyncio.Queue()
        self._interest = interest
        self._ended = False

    def offer(self, event: Event) -> None:
        """Queue the event, if it is wanted; end a listener that has stopped listening."""
        if self._ended or not self._interest.covers(event):
            return
        if self.queue.qsize() >= _LONGEST_QUEUE:
            log.info("event stream cut off", waiting=self.queue.qsize())
            self.end()
            return
        self.queue.put_nowait(event)

    def end(self) -> None:
        """Let it finish what is queued and end."""
        if not self._ended:
            self._ended = True
            self.queue.put_nowait(None)


class EventHub(Wakeable):
    """Reads the log once for all listeners, woken by commits. Idle while nobody listens."""

    def __init__(self, *, database: Database) -> None:
        super().__init__(interval_seconds=LOOK_EVERY_SECONDS)
        self._database = database
        self._listeners: set[_Listener] = set()
        self._position = 0

    async def now(self) -> int:
        """The position of the newest event: listening after it is listening from now on."""
        return await self._database.read(store.last_position)

    async def listen(self, interest: Interest, *, after: int) -> AsyncGenerator[Event | Reset]:
        """Events after a position, first from the log, then as they are committed; 0 is the beginning of the log.

        Ends when the listener lets too many events pile up, or the hub stops. Nothing is skipped silently: a
        :class:`Reset` stands for what is deleted already.
        """
        with self._joined(interest, await self.now()) as queue:
            position = after
            # Whatever was committed before joining is in the log by now, the rest comes through the queue.
            async for event in self._logged(interest, position):
                position = event.position if isinstance(event, Reset) else event.id
                yield event
            while (event_or_end := await queue.get()) is not None:
                if event_or_end.id > position:
                    position = event_or_end.id
                    yield event_or_end

    async def run_once(self) -> float | None:
        if not self._listeners:
            return None
        after = self._position
        events = await self._database.read(lambda tx: store.everything_after(tx, after=after, limit=_PAGE))
        for event in events:
            self._position = event.id
            for listener in self._listeners:
                listener.offer(event)
        return 0.0 if len(events) == _PAGE else None

    async def stop(self) -> None:
        await super().stop()
        for listener in self._listeners:
            listener.end()

    @contextmanager
    def _joined(self, interest: Interest, newest: int) -> Iterator[asyncio.Queue[Event | None]]:
        listener = _Listener(interest)
        if not self._listeners:
            self._position = newest  # nobody needs what came before
        self._listeners.add(listener)
        try:
            yield listener.queue
        finally:
            self._listeners.discard(listener)

    async def _logged(self, interest: Interest, position: int) -> AsyncIterator[Event | Reset]:
        while True:
            start, events = await self._logged_page(interest, position)
            if 0 < position < start:
                yield Reset(start)
            position = max(position, start)
            for event in events:
                position = event.id
                yield event
            if len(events) < _PAGE:
                return

    async def _logged_page(self, interest: Interest, after: int) -> tuple[int, Sequence[Event]]:
        """Where the log begins, and the events after a position."""

        def work(tx: Tx) -> tuple[int, Sequence[Event]]:
            start = store.start_of_log(tx, org_id=interest.org_id)
            return start, store.page(
                tx,
                org_id=interest.org_id,
                after=max(after, start),
                limit=_PAGE,
                types=interest.types,
                session_ids=interest.session_ids,
            )

        return await self._database.read(work)
