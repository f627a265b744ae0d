"""Hands the news of one session to the listener: in order, one at a time, and again until it takes them."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Sequence

from sessions.channel import Channel
from sessions.engine import Listener, StatusChange
from sessions.events import Report
from sessions.protocol import Acknowledge

_log = logging.getLogger(__name__)
_MAX_BATCH = 500
_FIRST_RETRY_SECONDS = 0.2
_LAST_RETRY_SECONDS = 30.0

_Reports = tuple[tuple[Report, ...], Channel | None]


class Delivery:
    """The queue between the workers of one session and the listener."""

    def __init__(self, *, session_id: str, listener: Listener) -> None:
        self._session_id = session_id
        self._listener = listener
        self._items: deque[_Reports | StatusChange] = deque()
        self._arrived = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._committed_seq = 0
        self._task = asyncio.create_task(self._run(), name="delivery")

    def put_reports(self, reports: Sequence[Report], channel: Channel | None = None) -> None:
        """Queue reports; ``channel`` hears when they are committed."""
        self._put((tuple(reports), channel))

    def put_status(self, change: StatusChange) -> None:
        self._put(change)

    async def close(self, timeout_seconds: float) -> None:
        """Let the listener take what is queued, but not for longer than so."""
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._idle.wait()
        except TimeoutError:
            _log.warning("the listener did not take all reports; they stay in the journal")
        finally:
            # Also when whoever closes it is cancelled: nobody else would end the task.
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _put(self, item: _Reports | StatusChange) -> None:
        self._items.append(item)
        self._idle.clear()
        self._arrived.set()

    async def _run(self) -> None:
        while True:
            await self._arrived.wait()
            while self._items:
                item = self._items.popleft()
                if isinstance(item, StatusChange):
                    await self._hand_over_status(item)
                else:
                    await self._hand_over(*self._merged(*item))
            self._arrived.clear()
            self._idle.set()

    def _merged(self, reports: tuple[Report, ...], channel: Channel | None) -> _Reports:
        """Add what has queued up behind, so that a slow listener commits more at once."""
        merged = list(reports)
        while self._items and len(merged) < _MAX_BATCH:
            following = self._items[0]
            if isinstance(following, StatusChange) or following[1] is not channel:
                break
            merged += following[0]
            self._items.popleft()
        return tuple(merged), channel

    async def _hand_over(self, reports: tuple[Report, ...], channel: Channel | None) -> None:
        # A new worker offers again what its predecessor had no acknowledgement for when it died.
        fresh = [report for report in reports if report.seq == 0 or report.seq > self._committed_seq]
        wait_seconds = _FIRST_RETRY_SECONDS
        while fresh:
            try:
                await self._listener.on_reports(fresh)
                break
            except Exception:  # noqa: BLE001 - whatever it is, the reports are kept and offered again
                _log.exception("listener did not take reports; offering them again")
                await asyncio.sleep(wait_seconds)
                wait_seconds = min(wait_seconds * 2, _LAST_RETRY_SECONDS)
        complete = max((report.seq for report in reports if not report.more), default=0)
        self._committed_seq = max(self._committed_seq, complete)
        if channel is not None:
            channel.send(Acknowledge(session_id=self._session_id, seq=complete, taken=len(reports)))

    async def _hand_over_status(self, change: StatusChange) -> None:
        """Offer it until it is taken or a newer one waits: an end that got lost would never be noticed."""
        wait_seconds = _FIRST_RETRY_SECONDS
        while True:
            try:
                return await self._listener.on_status(change)
            except Exception:  # noqa: BLE001 - a listener's fault must not stop the session's news
                _log.exception("listener did not take a status change")
            if any(isinstance(item, StatusChange) for item in self._items):
                return
            await asyncio.sleep(wait_seconds)
            wait_seconds = min(wait_seconds * 2, _LAST_RETRY_SECONDS)
