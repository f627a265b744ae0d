"""Server-sent events: streams that keep alive, cut off who is too slow, and end at once when the server stops."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

import structlog
from aiohttp import web
from aiohttp_sse import EventSourceResponse

log = structlog.get_logger(__name__)

HEARTBEAT_SECONDS: Final = 15.0
SLOWEST_SEND_SECONDS: Final = 20.0
_RECONNECT: Final = b"retry: 2000\n\n"
#: How soon a stream notices that its caller has left or may no longer listen.
_LOOK_EVERY_SECONDS: Final = 1.0

StillAllowed = Callable[[], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """One event of a stream. Its data is one line, as JSON is."""

    data: str
    event: str | None = None
    id: str | None = None

    @property
    def frame(self) -> bytes:
        """As it goes over the wire."""
        fields = (("id", self.id), ("event", self.event), ("data", self.data))
        lines = [f"{name}: {value}\r\n" for name, value in fields if value is not None]
        return "".join([*lines, "\r\n"]).encode()


def position_frame(event_id: str) -> bytes:
    """Says how far the stream has come, and nothing else: readers come back from there, and tell nobody."""
    return f"id: {event_id}\r\n\r\n".encode()


class Streams:
    """All open streams of this server, so that they can be ended together."""

    def __init__(
        self,
        *,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
        slowest_send_seconds: float = SLOWEST_SEND_SECONDS,
        look_every_seconds: float = _LOOK_EVERY_SECONDS,
    ) -> None:
        self._heartbeat_seconds = heartbeat_seconds
        self._slowest_send_seconds = slowest_send_seconds
        self._look_every_seconds = look_every_seconds
        self._open: set[asyncio.Task[None]] = set()
        self._closed = False

    def __len__(self) -> int:
        return len(self._open)

    async def serve(
        self,
        request: web.Request,
        frames: AsyncGenerator[bytes],
        *,
        still_allowed: StillAllowed | None = None,
    ) -> web.StreamResponse:
        """Send frames until they end, the caller leaves or may no longer listen, or the server stops.

        ``frames`` is closed, its ``finally`` run, before this returns.
        """
        response = EventSourceResponse(ping_interval=self._heartbeat_seconds, send_timeout=self._slowest_send_seconds)
        async with aclosing(frames):
            await response.prepare(request)
            await self._run(request, response, frames, still_allowed)
        return response

    def close(self) -> None:
        """End every stream now; new ones end as soon as they begin."""
        self._closed = True
        for pump in self._open:
            pump.cancel()

    def is_wanted(self, request: web.Request) -> bool:
        """Whether an answer that takes long still has a reader: the caller is there, and the server goes on."""
        return not self._closed and request.transport is not None and not request.transport.is_closing()

    async def _run(
        self,
        request: web.Request,
        response: EventSourceResponse,
        frames: AsyncIterator[bytes],
        still_allowed: StillAllowed | None,
    ) -> None:
        async with response:
            pump = asyncio.create_task(self._pump(response, frames), name="event stream")
            self._open.add(pump)
            try:
                await self._watch(request, pump, still_allowed)
            finally:
                self._open.discard(pump)
                pump.cancel()
                await asyncio.gather(pump, return_exceptions=True)

    async def _watch(self, request: web.Request, pump: asyncio.Task[None], still_allowed: StillAllowed | None) -> None:
        while not self._closed:
            done, _ = await asyncio.wait({pump}, timeout=self._look_every_seconds)
            if done:
                _report(pump)
                return
            if request.transport is None or request.transport.is_closing():
                return
            if still_allowed is not None and not await still_allowed():
                return

    async def _pump(self, response: EventSourceResponse, frames: AsyncIterator[bytes]) -> None:
        try:
            await response.write(_RECONNECT)
            async for frame in frames:
                async with asyncio.timeout(self._slowest_send_seconds):
                    await response.write(frame)
        except (ConnectionError, TimeoutError):
            return  # the caller has left or reads too slowly; it comes back with Last-Event-ID


def _report(pump: asyncio.Task[None]) -> None:
    """The answer has begun, so that a failure cannot become a problem document any more; the caller reconnects."""
    if not pump.cancelled() and (failure := pump.exception()) is not None:
        log.error("event stream failed", exc_info=failure)
