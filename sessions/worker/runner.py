"""The life of one worker: take its sessions, start them one at a time, serve calls, stop in an orderly way."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
import time
from functools import partial
from typing import NoReturn

from sessions.capabilities import SUPPORTED
from sessions.errors import RefusedError, SessionError
from sessions.protocol import (
    PROTOCOL_VERSION,
    Acknowledge,
    Answer,
    Begin,
    Call,
    ExitCode,
    Failure,
    Fatal,
    Hello,
    Ready,
    Stop,
)
from sessions.status import Reason
from sessions.worker import host, selfcheck
from sessions.worker.calls import InFlight, Lane, Pool
from sessions.worker.commands import table
from sessions.worker.ffi.library import Library
from sessions.worker.held import HeldSession, Opener
from sessions.worker.journal import JournalError
from sessions.worker.pairing import PairingWatch
from sessions.worker.pulse import Monitor
from sessions.worker.refusals import redact
from sessions.worker.reporter import Reporter
from sessions.worker.trust import TrustRootError, swap_root
from sessions.worker.wire import Wire

#: A connection that is accepted and never answered is given up after this long.
_START_SECONDS = 30.0
_QUIET_SECONDS = 0.3
_DRAIN_SECONDS = 3.0
_FLUSH_SECONDS = 2.0
_CALL_THREADS = 8
_GRACE_WITHOUT_DAEMON_SECONDS = 5.0


class Runner:
    """Runs the sessions of one worker until it is told to stop, the daemon goes, or a session falls silent."""

    def __init__(self, *, wire: Wire, begin: Begin) -> None:
        self._wire = wire
        self._begin = begin
        self._held: dict[str, HeldSession] = {}
        self._pool = Pool("call", _CALL_THREADS)
        self._in_flight = InFlight()
        self._serving = threading.Event()
        self._stopping = threading.Lock()
        self._reporter: Reporter | None = None

    def run(self) -> None:
        """Serve until the process ends; never returns in any other way."""
        signal.signal(signal.SIGTERM, self._on_terminate)
        library = self._load_library()
        self._wire.send(
            Hello(
                protocol=PROTOCOL_VERSION,
                pid=os.getpid(),
                engine_version=selfcheck.ENGINE_VERSION,
                capabilities=tuple(sorted(SUPPORTED)),
            )
        )
        self._open_sessions(library)
        threading.Thread(target=self._start_sessions, name="starter", daemon=True).start()
        for frame in self._wire.frames():
            match frame:
                case Call():
                    self._take_call(frame)
                case Acknowledge(session_id=session_id, seq=seq, taken=taken):
                    if self._reporter is not None:
                        self._reporter.acknowledge(session_id, seq, taken)
                case Stop(grace_seconds=grace_seconds):
                    threading.Thread(target=self._stop, args=(grace_seconds,), daemon=True).start()
        host.silence_output()
        self._stop(_GRACE_WITHOUT_DAEMON_SECONDS)

    def _load_library(self) -> Library:
        try:
            path = selfcheck.library_path(os.uname().machine)
            if not self._begin.sessions:
                # A worker without sessions is only asked whether the engine is usable, and takes its time for it.
                selfcheck.check_file(path)
            library = Library(path)
            selfcheck.check_loaded(library)
            if self._begin.loopback is not None:
                swap_root(path, self._begin.loopback.root_key)
            return library
        except (selfcheck.EngineUnusableError, TrustRootError, OSError, AttributeError) as error:
            self._give_up(None, Reason.ENGINE_UNUSABLE, str(error), ExitCode.UNUSABLE)

    def _open_sessions(self, library: Library) -> None:
        opener = Opener(
            library=library,
            loopback=self._begin.loopback,
            probing=self._begin.probing,
            pairing=PairingWatch(wire=self._wire, leave=self._leave_told) if self._begin.pairing else None,
            on_return=self._on_return,
            on_unpaired=self._on_unpaired,
        )
        for spec in self._begin.sessions:
            try:
                self._held[spec.session_id] = opener.open(spec)
            except host.FolderInUseError:
                self._give_up(spec.session_id, Reason.STORE_IN_USE, "the folder is locked", ExitCode.UNUSABLE)
            except (OSError, JournalError) as error:
                self._give_up(spec.session_id, Reason.STORE_UNREADABLE, type(error).__name__, ExitCode.UNUSABLE)
        self._reporter = Reporter(
            wire=self._wire,
            streams={name: held.stream for name, held in self._held.items()},
            on_failure=partial(self._leave, ExitCode.FAULTY),
        )
        for held in self._held.values():
            held.wake = self._reporter.wake
        self._reporter.start()

    def _start_sessions(self) -> None:
        # One at a time: the library keeps its sessions in unguarded tables, and two that start at once may abort
        # the process. For the same reason no call is served before the last has started.
        for held in self._held.values():
            held.engine.start()
            if not held.engine.wait_until_settled(_START_SECONDS):
                self._give_up(held.session_id, Reason.CONNECTION_REFUSED, "no answer", ExitCode.NOT_CONNECTED)
        gc.collect()
        gc.freeze()
        self._serving.set()
        self._wire.send(Ready())
        if not self._begin.pairing:
            vitals = [held.vitals for held in self._held.values()]
            Monitor(wire=self._wire, vitals=vitals, probing=self._begin.probing).start()
        if not self._held:
            self._leave(ExitCode.ASKED)

    def _take_call(self, call: Call) -> None:
        held = self._held.get(call.session_id)
        if held is None:
            self._wire.send(Failure(call_id=call.call_id, code="session_not_running", detail="Not in this worker."))
            return
        lane: Lane | Pool = held.lane if table.is_in_order(call.command) else self._pool
        lane.put(partial(self._answer, held, call))

    def _answer(self, held: HeldSession, call: Call) -> None:
        self._serving.wait()
        if time.monotonic() > call.deadline:
            # The caller has given up. A message sent now would be sent behind the back of whoever looks for it.
            return
        with self._in_flight:
            try:
                frame: Answer | Failure = Answer(call_id=call.call_id, result=table.carry_out(held.desk, call.command))
                if table.is_answered_by_whatsapp(call.command):
                    held.vitals.proved()
            except SessionError as error:
                if isinstance(error, RefusedError):
                    held.vitals.proved()
                frame = Failure(call_id=call.call_id, code=error.code, detail=str(error))
            except Exception as error:  # noqa: BLE001 - the caller must hear of it, and the thread must go on
                frame = Failure(call_id=call.call_id, code="engine_error", detail=type(error).__name__)
            self._wire.reply(frame)

    def _on_return(self, held: HeldSession, error: str) -> None:
        """The library has let go of a session: it hears nothing any more while WhatsApp believes that it does."""
        if held.gate.closing:
            return
        reason, code = held.meaning_of_return(error)
        self._give_up(held.session_id, reason, redact(error), code)

    def _on_unpaired(self, held: HeldSession) -> None:
        self._give_up(held.session_id, Reason.UNLINKED_FROM_PHONE, "no phone is linked", ExitCode.UNUSABLE)

    def _on_terminate(self, *_: object) -> None:
        threading.Thread(target=self._stop, args=(_GRACE_WITHOUT_DAEMON_SECONDS,), daemon=True).start()

    def _stop(self, grace_seconds: float) -> None:
        self._stopping.acquire()
        for held in self._held.values():
            held.gate.closing = True
        if self._begin.pairing:
            self._leave(ExitCode.ASKED)
        self._in_flight.wait_until_none(grace_seconds)
        for held in self._held.values():
            held.desk.handle.disconnect()
        deadline = time.monotonic() + _DRAIN_SECONDS
        for held in self._held.values():
            held.engine.wait_until_quiet(_QUIET_SECONDS, deadline - time.monotonic())
        if self._reporter is not None:
            self._reporter.flush(_FLUSH_SECONDS, until_taken=True)
        self._leave(ExitCode.ASKED)

    def _give_up(self, session_id: str | None, reason: Reason, detail: str, code: ExitCode) -> NoReturn:
        self._wire.send(Fatal(session_id=session_id, reason=reason, detail=detail))
        self._leave(code)

    def _leave_told(self, code: ExitCode) -> NoReturn:
        """Leave when the daemon has been sent everything."""
        if self._reporter is not None:
            self._reporter.flush(_FLUSH_SECONDS, until_taken=False)
        self._leave(code)

    def _leave(self, code: ExitCode) -> NoReturn:
        # The library's threads cannot be ended in any other way.
        sys.stderr.flush()
        os._exit(code)
