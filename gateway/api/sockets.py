"""WebSockets: JSON both ways, alive by ping and pong, cut off when too slow, ended at once when the server stops."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from enum import IntEnum
from typing import Any, Final

import structlog
from aiohttp import WSMsgType, web

log = structlog.get_logger(__name__)

HEARTBEAT_SECONDS: Final = 15.0
SLOWEST_SEND_SECONDS: Final = 20.0
LARGEST_MESSAGE_BYTES: Final = 16 * 1024
#: How long the other side may take to say goodbye too.
_GOODBYE_SECONDS: Final = 1.0
#: A close frame has no room for more.
_LONGEST_REASON_BYTES: Final = 123


class CloseCode(IntEnum):
    """Why a socket was closed. From 4400 on the code says what the HTTP status of the same last digits says."""

    GOING_AWAY = 1001
    TOO_BIG = 1009
    FAULT = 1011
    BAD_MESSAGE = 4400
    UNAUTHORIZED = 4401
    FORBIDDEN = 4403
    NOT_FOUND = 4404
    TOO_SLOW = 4408
    INVALID = 4422
    TOO_MANY = 4429


#: What each code means and what to do, for the docs.
MEANINGS: Final = {
    CloseCode.GOING_AWAY: "The gateway stops. Come back in a moment, after the last id.",
    CloseCode.TOO_BIG: f"A message of yours was larger than {LARGEST_MESSAGE_BYTES // 1024} kB.",
    CloseCode.FAULT: "A fault of the gateway; its log says more. Come back after the last id.",
    CloseCode.BAD_MESSAGE: "A message of yours was not understood.",
    CloseCode.UNAUTHORIZED: "No valid key, ticket or sign-in, none in time, or it was revoked.",
    CloseCode.FORBIDDEN: "The key or user may not follow events.",
    CloseCode.NOT_FOUND: "There is no such session.",
    CloseCode.TOO_SLOW: "Events were not read in time. Come back after the last id: nothing is lost.",
    CloseCode.INVALID: "A field of `subscribe` is wrong; the reason says which.",
    CloseCode.TOO_MANY: "Too many streams of one key or user, or too many messages of yours.",
}


class CloseError(Exception):
    """Ends the conversation with a code and a sentence."""

    def __init__(self, code: CloseCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class SocketEndedError(Exception):
    """The other side has closed the socket, or is gone."""


class Socket:
    """One open WebSocket that speaks JSON objects."""

    def __init__(self, response: web.WebSocketResponse, *, slowest_send_seconds: float) -> None:
        self._response = response
        self._slowest_send_seconds = slowest_send_seconds

    async def receive(self) -> dict[str, Any]:
        """The next object; raises SocketEndedError at the end and CloseError for anything but an object."""
        message = await self._response.receive()
        if message.type is not WSMsgType.TEXT:
            if message.type is WSMsgType.BINARY:
                raise CloseError(CloseCode.BAD_MESSAGE, "Messages are JSON objects in text frames.")
            raise SocketEndedError
        try:
            said = json.loads(message.data)
        except (ValueError, RecursionError) as error:
            raise CloseError(CloseCode.BAD_MESSAGE, "Messages are JSON objects in text frames.") from error
        if not isinstance(said, dict):
            raise CloseError(CloseCode.BAD_MESSAGE, "Messages are JSON objects in text frames.")
        return said

    async def send(self, *texts: bytes) -> None:
        """Send JSON texts, each a frame; raises CloseError when the other side reads too slowly."""
        try:
            async with asyncio.timeout(self._slowest_send_seconds):
                for text in texts:
                    await self._response.send_frame(text, WSMsgType.TEXT)
        except TimeoutError as error:
            raise CloseError(CloseCode.TOO_SLOW, "Events were not read in time.") from error
        except ConnectionError as error:
            raise SocketEndedError from error


Conversation = Callable[[Socket], Awaitable[None]]


class Sockets:
    """All open sockets of this server, so that they can be ended together."""

    def __init__(
        self,
        *,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
        slowest_send_seconds: float = SLOWEST_SEND_SECONDS,
    ) -> None:
        self._heartbeat_seconds = heartbeat_seconds
        self._slowest_send_seconds = slowest_send_seconds
        self._open: set[asyncio.Task[None]] = set()
        self._closed = False

    def __len__(self) -> int:
        return len(self._open)

    async def serve(self, request: web.Request, converse: Conversation) -> web.StreamResponse:
        """Open the socket and let the conversation run until one side ends it."""
        response = web.WebSocketResponse(
            timeout=_GOODBYE_SECONDS,
            heartbeat=self._heartbeat_seconds,
            max_msg_size=LARGEST_MESSAGE_BYTES,
            compress=False,
        )
        await response.prepare(request)
        talk = asyncio.create_task(
            _talk(converse, Socket(response, slowest_send_seconds=self._slowest_send_seconds)), name="event socket"
        )
        self._open.add(talk)
        if self._closed:
            talk.cancel()
        try:
            await asyncio.wait({talk})
        finally:
            self._open.discard(talk)
            talk.cancel()
            [end] = await asyncio.gather(talk, return_exceptions=True)
        await _say_goodbye(request, response, _closing_words(end))
        return response

    def close(self) -> None:
        """End every socket now; new ones end as soon as they begin."""
        self._closed = True
        for talk in self._open:
            talk.cancel()


async def _talk(converse: Conversation, socket: Socket) -> None:
    await converse(socket)


def _closing_words(end: BaseException | None) -> CloseError | None:
    """What to say at the end; None when there is nobody to say it to."""
    if isinstance(end, SocketEndedError):
        return None
    if isinstance(end, CloseError):
        return end
    if end is None or isinstance(end, asyncio.CancelledError):
        return CloseError(CloseCode.GOING_AWAY, "The gateway stops. Come back in a moment.")
    log.error("event socket failed", exc_info=end)
    return CloseError(CloseCode.FAULT, "This is a fault of the gateway.")


async def _say_goodbye(request: web.Request, response: web.WebSocketResponse, words: CloseError | None) -> None:
    """Close properly, but wait for nobody who does not read."""
    try:
        async with asyncio.timeout(2 * _GOODBYE_SECONDS):
            if words is not None:
                await response.close(code=words.code, message=words.reason.encode()[:_LONGEST_REASON_BYTES])
    except TimeoutError:
        log.info("event socket cut off")
    transport = request.transport
    if transport is not None and transport.get_write_buffer_size():
        transport.abort()  # closing would wait until the rest is read, which may be never
