"""One client on the wire: handshake, encryption, and its stanzas in order."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import Any

from aiohttp import WSMsgType, web

from sessions.sandbox.service import Service
from sessions.sandbox.state.directory import Device
from sessions.sandbox.wire.frames import FrameReader, frame
from sessions.sandbox.wire.node import Node
from sessions.sandbox.wire.noise import Cipher, HandshakeError, NoiseServer
from sessions.sandbox.wire.wabinary import Codec, MalformedFrameError

# A client may tear its handler down when the connection closes, and lose a stanza that it has only just received.
_GRACE = 2.0  # seconds between a last stanza and the end of the connection
_HANDSHAKE_SECONDS = 20.0
_LOOK_SECONDS = 0.02  # between looks whether a frozen connection has thawed
_MOST_WAITING = 64 * 1024 * 1024  # bytes that a client has not read
_STREAM_END = Node("xmlstreamend")

_logger = logging.getLogger(__name__)


class NotLoggedInError(RuntimeError):
    """The connection does not act for a device."""


class Connection:
    """A client on a websocket. It implements Endpoint once it has logged in."""

    def __init__(
        self, *, socket: web.WebSocketResponse, transport: asyncio.Transport, codec: Codec, service: Service
    ) -> None:
        self._socket = socket
        self._transport = transport
        self._codec = codec
        self._service = service
        self._frames = FrameReader()
        #: what is to be sent, each with the moment at which it was
        self._outgoing: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        self._waiting_bytes = 0
        self._seal: Cipher | None = None
        self._device: Device | None = None
        self._farewell: asyncio.Task[None] | None = None
        self.client_static = b""
        self.payload: Any = None

    @property
    def device(self) -> Device:
        """The device that it acts for."""
        if self._device is None:
            raise NotLoggedInError
        return self._device

    @property
    def is_logged_in(self) -> bool:
        """Whether it acts for a device."""
        return self._device is not None

    def log_in(self, device: Device) -> None:
        """From now on it acts for this device."""
        self._device = device

    async def push(self, node: Node) -> None:
        """Queue a stanza; the client's own pace never holds up whoever sends it."""
        self.push_frame(self._codec.encode(node))

    def push_frame(self, frame: bytes) -> None:
        """Queue a frame, whatever it holds."""
        if self._seal is None:
            raise NotLoggedInError
        self._send(self._seal.seal(frame))

    async def end(self, last: Node | None = None) -> None:
        """Close the connection: after a last stanza with time to read it, or at once."""
        if last is None:
            self._transport.abort()
            return
        if self._farewell is None:
            await self.push(last)
            self._farewell = asyncio.create_task(self._close_later())

    async def run(self, noise: NoiseServer) -> None:
        """Serve the client until it has gone."""
        writer = asyncio.create_task(self._write())
        try:
            await self._serve(noise)
        except (HandshakeError, MalformedFrameError) as error:
            _logger.warning("a client was cut off: %s", error)
        except ConnectionError:
            _logger.debug("a client's connection broke")
        finally:
            await self._leave(writer)

    async def _serve(self, noise: NoiseServer) -> None:
        incoming = self._read()
        async with asyncio.timeout(_HANDSHAKE_SECONDS):
            opener = await self._shake_hands(noise, incoming)
        if opener is None:
            return
        await self._service.login.open(self)
        async for content in incoming:
            stanza = self._codec.decode(opener.open(content))
            if self._farewell is not None:
                continue  # whoever has been sent away is not listened to any more
            if self._device is not None:
                await self._service.dispatch(self, stanza)
            else:
                await self._service.pairing.receive(self, stanza)

    async def _shake_hands(self, noise: NoiseServer, incoming: Any) -> Cipher | None:
        handshake = noise.handshake()
        hello = await anext(incoming, None)
        if hello is None:
            return None
        self._send(handshake.hello(hello))
        finish = await anext(incoming, None)
        if finish is None:
            return None
        self.payload = handshake.finish(finish)
        self.client_static = handshake.client_static
        opener, self._seal = handshake.ciphers()
        return opener

    async def _read(self) -> Any:
        async for message in self._socket:
            if message.type is WSMsgType.BINARY:
                for content in self._frames.feed(message.data):
                    yield content

    def _send(self, content: bytes) -> None:
        data = frame(content)
        self._waiting_bytes += len(data)
        if self._waiting_bytes > _MOST_WAITING:
            _logger.warning("a client does not read what it is sent and is cut off")
            self._transport.abort()
            return
        self._outgoing.put_nowait((time.monotonic(), data))

    async def _write(self) -> None:
        try:
            while True:
                sent_at, data = await self._outgoing.get()
                await self._travel(sent_at)
                await self._socket.send_bytes(data)
                self._waiting_bytes -= len(data)
                self._outgoing.task_done()
        except ConnectionError:
            self._transport.abort()

    async def _travel(self, sent_at: float) -> None:
        """Let what was sent take the time that it takes, which may change on the way."""
        while self._device is not None:
            left = sent_at + self._service.faults.lag(self._device) - time.monotonic()
            if left <= 0:
                return
            await asyncio.sleep(min(left, _LOOK_SECONDS))

    async def _close_later(self) -> None:
        await asyncio.sleep(_GRACE)
        await self.push(_STREAM_END)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_GRACE):
                await self._outgoing.join()
        await self._socket.close()

    async def _leave(self, writer: asyncio.Task[None]) -> None:
        tasks = [task for task in (writer, self._farewell) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._device is not None:
            await self._service.detach(self)
        else:
            self._service.pairing.closed(self)
