"""The daemon's end of the socket pair to one worker: calls with deadlines, reports, and the end of it all."""

from __future__ import annotations

import asyncio
import itertools
import logging
import socket
import time
from collections.abc import Callable

import msgspec

from sessions.commands.every import AnyCommand, AnyResult
from sessions.commands.messages import SendMessage
from sessions.crash import CrashPoint, crash_point
from sessions.errors import (
    EngineError,
    InvalidRequestError,
    OutcomeUnknownError,
    SessionError,
    WorkerLostError,
    by_code,
)
from sessions.protocol import (
    Answer,
    Call,
    DaemonFrame,
    Failure,
    FrameError,
    FrameSplitter,
    ToDaemon,
    pack,
    unpack_to_daemon,
)

_log = logging.getLogger(__name__)
_ERRORS = by_code()


class Channel(asyncio.Protocol):
    """Frames to and from one worker. ``on_frame`` gets all that are not answers, in order."""

    def __init__(self, *, on_frame: Callable[[ToDaemon], None]) -> None:
        self._on_frame = on_frame
        self._splitter = FrameSplitter()
        self._calls: dict[int, asyncio.Future[AnyResult]] = {}
        self._call_ids = itertools.count(1)
        self._transport: asyncio.WriteTransport | None = None
        self._is_broken = False
        #: What to do with a worker that talks nonsense. Ending it must come before its calls are given up as lost,
        #: since a lost worker is one that cannot send any more.
        self.on_broken: Callable[[], None] = self.close
        self._closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @classmethod
    async def open(cls, sock: socket.socket, *, on_frame: Callable[[ToDaemon], None]) -> Channel:
        """Speak over our end of a socket pair."""
        sock.setblocking(False)
        channel = cls(on_frame=on_frame)
        await asyncio.get_running_loop().create_unix_connection(lambda: channel, sock=sock)
        return channel

    async def wait_closed(self) -> None:
        """Wait until the worker is gone and everything that it wrote has been read."""
        await asyncio.shield(self._closed)

    def send(self, frame: DaemonFrame) -> None:
        """Write a frame; lost without a word if the worker is gone, which is noticed elsewhere."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(pack(frame))

    async def call(self, session_id: str, command: AnyCommand, *, timeout_seconds: float) -> AnyResult:
        """Ask the worker for something and wait for its answer."""
        if self._closed.done():
            raise WorkerLostError
        call_id = next(self._call_ids)
        answer: asyncio.Future[AnyResult] = asyncio.get_running_loop().create_future()
        self._calls[call_id] = answer
        try:
            deadline = time.monotonic() + timeout_seconds
            self._ask(Call(call_id=call_id, deadline=deadline, session_id=session_id, command=command))
            if isinstance(command, SendMessage):
                crash_point(CrashPoint.OUTBOX_HANDED)
            async with asyncio.timeout(timeout_seconds):
                return await answer
        except TimeoutError:
            raise OutcomeUnknownError from None
        finally:
            self._calls.pop(call_id, None)

    def _ask(self, call: Call) -> None:
        try:
            self.send(call)
        except FrameError as error:
            raise InvalidRequestError("It is too large, or holds what cannot be written down.") from error

    def close(self) -> None:
        """Hang up. The worker takes that as a wish to end."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if self._is_broken:
            return
        try:
            for body in self._splitter.feed(data):
                self._take(unpack_to_daemon(body))
        except (FrameError, msgspec.MsgspecError):
            _log.exception("worker sent something that is no frame")
            self._is_broken = True
            self.on_broken()

    def connection_lost(self, error: Exception | None) -> None:
        for answer in self._calls.values():
            if not answer.done():
                answer.set_exception(WorkerLostError())
        self._calls.clear()
        if not self._closed.done():
            self._closed.set_result(None)

    def _take(self, frame: ToDaemon) -> None:
        if isinstance(frame, Answer):
            self._settle(frame.call_id, frame.result)
        elif isinstance(frame, Failure):
            self._settle(frame.call_id, error_of(frame.code, frame.detail))
        else:
            self._on_frame(frame)

    def _settle(self, call_id: int, outcome: AnyResult | SessionError) -> None:
        answer = self._calls.get(call_id)
        if answer is None or answer.done():
            # The caller has given up; a message that was sent all the same is found again by its secret.
            return
        if isinstance(outcome, SessionError):
            answer.set_exception(outcome)
        else:
            answer.set_result(outcome)


def error_of(code: str, detail: str) -> SessionError:
    """The error that a worker has named by its code."""
    return _ERRORS.get(code, EngineError)(detail)
