"""What the daemon needs from the WhatsApp side: the ports that the supervisor (and an in-process fake) satisfies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from sessions.commands.every import AnyCommand, AnyResult
from sessions.events import Report
from sessions.liveness import Liveness
from sessions.protocol import SessionSpec
from sessions.status import Reason, SessionStatus


class StatusChange(msgspec.Struct, frozen=True, kw_only=True):
    """A session's status as the supervisor sees it. ``live`` is true while frames are proven to flow."""

    session_id: str
    status: SessionStatus
    live: bool
    reason: Reason | None = None
    detail: str = ""  #: for the operator; no personal data
    until: float | None = None  #: end of a temporary ban or time of the next try, seconds since 1970
    code: int | None = None  #: WhatsApp's own number for the reason
    at: float = 0.0


class Listener(Protocol):
    """Where the engine tells its news; the daemon implements it."""

    async def on_reports(self, reports: Sequence[Report]) -> None:
        """Take over journalled reports of one session, in order.

        Returning means they are committed: the engine acknowledges them and the journal forgets them. Raising means
        they are offered again later. Reports with ``seq`` 0 come here too and are never offered again.
        """

    async def on_status(self, change: StatusChange) -> None:
        """A session's status or liveness changed. Called in order, one at a time per session."""


class Engine(Protocol):
    """Runs sessions. All methods are idempotent unless they say otherwise and may be called in any order."""

    @property
    def capabilities(self) -> frozenset[str]:
        """What this engine build can do, see :class:`sessions.capabilities.Capability`."""

    async def self_check(self) -> Sequence[str]:
        """Problems that make the engine unusable, each a sentence; empty when all is well."""

    async def start(self) -> None:
        """Be ready to run sessions."""

    async def stop(self) -> None:
        """Stop every session in an orderly way; nothing that was journalled is lost."""

    async def run(self, spec: SessionSpec) -> None:
        """Want this paired session running: start it and keep it running until :meth:`halt`."""

    async def halt(self, session_id: str) -> None:
        """Want it stopped: drain, disconnect, and let its process exit. Returns when the process is gone."""

    async def pair(self, spec: SessionSpec) -> None:
        """Begin a pairing attempt in a process of its own, unless one is on.

        QR codes come as reports; the attempt ends with ``Paired`` (the session then runs as by :meth:`run`) or
        with ``PairingEnded``.
        """

    async def cancel_pairing(self, session_id: str) -> None:
        """End the pairing attempt, if one is on."""

    async def call(self, session_id: str, command: AnyCommand, *, timeout_seconds: float = 90.0) -> AnyResult:
        """Ask a running session for something; raises a :class:`sessions.errors.SessionError`."""

    def status(self, session_id: str) -> StatusChange:
        """What is known now; ``stopped`` for a session nobody runs."""

    def liveness(self, session_id: str) -> Liveness:
        """Whether the session's frames flow; ``down`` for a session nobody runs."""

    async def find_by_secret(self, spec: SessionSpec, secret: bytes) -> str | None:
        """The WhatsApp id filed under an outgoing message's secret; None proves that it never reached the wire.

        Reads the key store from outside the worker; raises StoreError when it cannot be read.
        """

    async def forget(self, spec: SessionSpec) -> None:
        """Delete the session's folder: keys, journal and all. The session must be halted."""
