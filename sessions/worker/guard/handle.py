"""What every guarded call stands on: what is known about the session, and the library as that session's."""

from __future__ import annotations

from dataclasses import dataclass

from sessions.address import Jid
from sessions.errors import NotConnectedError, NotPairedError
from sessions.worker.ffi.function import Function
from sessions.worker.ffi.library import Library


@dataclass
class Gate:
    """What is known about a session; written by its engine thread, read before every call."""

    started: bool = False  #: the engine knows the session: calls do not abort the process
    paired: bool = False
    connected: bool = False
    closing: bool = False
    me: Jid | None = None  #: who is linked

    def check_started(self) -> None:
        if not self.started or self.closing:
            raise NotConnectedError

    def check_paired(self) -> None:
        self.check_started()
        if not self.paired:
            raise NotPairedError

    def check_connected(self) -> None:
        self.check_paired()
        if not self.connected:
            raise NotConnectedError


class Handle:
    """The library as one session's. Whoever calls has asked the gate and knows that the arguments are sound."""

    def __init__(self, *, library: Library, session: bytes, gate: Gate) -> None:
        self._library = library
        self._session = session
        self.gate = gate

    def call(self, function: Function, *arguments: bytes | int) -> bytes:
        return self._library.call(function, self._session, *arguments)

    def disconnect(self) -> None:
        """Close the connection; events that are on their way still come. Does nothing before the engine knows it."""
        if self.gate.started:
            self._library.disconnect(self._session)
