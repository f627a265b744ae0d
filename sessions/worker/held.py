"""A session as its worker holds it: folder, journal, engine, desk and lane put together."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random

from sessions.crash import CrashPoint, crash_point
from sessions.protocol import ExitCode, Loopback, Probing, SessionSpec
from sessions.status import Reason
from sessions.worker import host
from sessions.worker.calls import Lane
from sessions.worker.commands.area import Desk
from sessions.worker.engine_session import EngineSession, looks_readable
from sessions.worker.ffi.library import Library
from sessions.worker.guard.handle import Gate, Handle
from sessions.worker.guard.people import is_answered
from sessions.worker.inbound import codes
from sessions.worker.journal import Journal, JournalError
from sessions.worker.pairing import PairingWatch
from sessions.worker.pulse import Vitals
from sessions.worker.refusals import is_store_error
from sessions.worker.reporter import Stream

JOURNAL_NAME = "journal"
#: A file that says so to whoever starts the next worker; see sessions.ratchets.


@dataclass
class HeldSession:
    """Everything that belongs to one session in this process."""

    session_id: str
    gate: Gate
    desk: Desk
    stream: Stream
    lane: Lane
    lock: int
    vitals: Vitals
    engine: EngineSession = field(init=False)
    wake: Callable[[], None] = field(default=lambda: None)

    def keep(self, code: int, data: bytes) -> None:
        """Take one event from the library: on disk, or in memory if it is stale in a moment anyway."""
        if code in codes.FLEETING:
            self.stream.read_fleeting(code, data, time.time())
        else:
            crash_point(CrashPoint.WORKER_HEARD)
            self.stream.journal.append(code, data)
            crash_point(CrashPoint.WORKER_JOURNALLED)
        self.wake()

    def meaning_of_return(self, error: str) -> tuple[Reason, ExitCode]:
        """Why the library has let go of the session."""
        if is_store_error(error):
            return Reason.STORE_UNREADABLE, ExitCode.UNUSABLE
        # An event that the library cannot put into its own form ends its delivery. Which event it was is in the text.
        if "TemporaryBan" in error:
            return Reason.TEMPORARY_BAN, ExitCode.DEAF
        if "ConnectFailure" in error:
            return Reason.CONNECTION_REFUSED, ExitCode.NOT_CONNECTED
        if self.gate.started or error.startswith("proto:"):
            return Reason.ENGINE_DEAF, ExitCode.DEAF
        return Reason.CONNECTION_REFUSED, ExitCode.NOT_CONNECTED


@dataclass(frozen=True)
class Opener:
    """Opens the sessions of a worker."""

    library: Library
    loopback: Loopback | None
    pairing: PairingWatch | None
    probing: Probing
    on_return: Callable[[HeldSession, str], None]
    on_unpaired: Callable[[HeldSession], None]

    def open(self, spec: SessionSpec) -> HeldSession:
        """Lock the folder, open the journal and make the session ready to start."""
        folder = Path(spec.folder)
        lock = host.lock_folder(folder)
        if not looks_readable(folder):
            raise JournalError("the key store is no database")
        gate = Gate()
        handle = Handle(library=self.library, session=spec.session_id.encode(), gate=gate)
        journal = Journal(folder / JOURNAL_NAME, clock=time.time)
        qr_shown = self.pairing.qr_shown if self.pairing is not None else threading.Event()
        held = HeldSession(
            session_id=spec.session_id,
            gate=gate,
            desk=Desk(handle=handle, qr_shown=qr_shown, clock=time.time),
            stream=Stream(session_id=spec.session_id, folder=folder, journal=journal, history=spec.history),
            lane=Lane("send"),
            lock=lock,
            vitals=Vitals(
                session_id=spec.session_id,
                gate=gate,
                ask=partial(is_answered, handle),
                probing=self.probing,
                random=Random(),
            ),
        )
        held.engine = self._engine(spec, held)
        return held

    def _engine(self, spec: SessionSpec, held: HeldSession) -> EngineSession:
        watch = self.pairing
        if watch is not None:
            watch.session_id = spec.session_id
        return EngineSession(
            spec=spec,
            library=self.library,
            gate=held.gate,
            proxy_url=self._proxy_url(spec),
            log_level=b"INFO" if watch is not None else b"ERROR",
            vitals=held.vitals,
            keep=held.keep if watch is None else watch.watching(held.keep),
            on_qr=watch.take_qr if watch is not None else lambda _: self.on_unpaired(held),
            on_login_status=watch.take_login_status if watch is not None else lambda _: None,
            on_log=watch.take_log if watch is not None else lambda _: None,
            on_return=lambda error: self.on_return(held, error),
        )

    def _proxy_url(self, spec: SessionSpec) -> str | None:
        if spec.proxy is not None:
            return spec.proxy.url
        return self.loopback.proxy_url if self.loopback is not None else None
