"""The worker's end of the socket pair: blocking frames, written from any thread."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

from sessions.protocol import Answer, Failure, FrameError, FrameSplitter, ToWorker, WorkerFrame, pack, unpack_to_worker

_RECEIVE_BYTES = 256 * 1024


class Wire:
    """Frames to and from the daemon."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._lock = threading.Lock()
        self._frames = self._receive()

    def send(self, frame: WorkerFrame) -> None:
        """Write one frame whole. A daemon that is gone is not an error here: reading notices and ends the worker."""
        self.send_packed(pack(frame))

    def reply(self, frame: Answer | Failure) -> None:
        """Answer a call. If no frame can hold the answer, the caller hears that: the call itself has been carried out."""
        try:
            self.send(frame)
        except FrameError as error:
            self.send(Failure(call_id=frame.call_id, code="engine_error", detail=str(error)))

    def send_packed(self, data: bytes) -> None:
        """Write one frame that is packed already."""
        with self._lock:
            try:
                self._socket.sendall(data)
            except OSError:
                return

    def frames(self) -> Iterator[ToWorker]:
        """What the daemon sends, until it is gone. Every call goes on where the last one stopped."""
        return self._frames

    def _receive(self) -> Iterator[ToWorker]:
        splitter = FrameSplitter()
        while True:
            try:
                data = self._socket.recv(_RECEIVE_BYTES)
            except OSError:
                return
            if not data:
                return
            for body in splitter.feed(data):
                yield unpack_to_worker(body)
