"""Runs sessions in worker processes: who is wanted, in which worker, and who is being paired."""

from __future__ import annotations

import asyncio
import logging
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

from sessions.capabilities import SUPPORTED
from sessions.channel import Channel
from sessions.commands.every import AnyCommand, AnyResult
from sessions.commands.linking import LogOut, RequestPairCode
from sessions.delivery import Delivery
from sessions.engine import Listener, StatusChange
from sessions.errors import (
    InvalidRequestError,
    NotConnectedError,
    NotPairedError,
    NotRunningError,
    PairingError,
    SessionError,
)
from sessions.keystore import find_message_id, find_message_id_when_free
from sessions.liveness import Liveness, NobodyWatches, Watch
from sessions.naming import NameSeeker
from sessions.packing import pack
from sessions.pairing import PairingAttempt
from sessions.process import WorkerProcess
from sessions.protocol import Fatal, SessionSpec, ToDaemon
from sessions.settings import EngineSettings
from sessions.slot import Slot
from sessions.starting import Outage, Starting, Turns
from sessions.status import NEEDS_A_PERSON, Reason, SessionStatus
from sessions.tracking import TrackedSession

_log = logging.getLogger(__name__)
_DELIVERY_SECONDS = 5.0
_SELF_CHECK_SECONDS = 30.0


class Supervisor:
    """The engine of the daemon: satisfies :class:`sessions.engine.Engine` with worker processes."""

    def __init__(
        self,
        *,
        settings: EngineSettings,
        listener: Listener,
        clock: Callable[[], float] = time.time,
        random: Random | None = None,
        watch: Watch | None = None,
    ) -> None:
        self._settings = settings
        self._listener = listener
        self._clock = clock
        self._random = random or Random()
        self._watch: Watch = watch or NobodyWatches()
        self._names = NameSeeker()
        self._starting = Starting(
            turns=Turns(limit=settings.starts_at_once),
            outage=Outage(
                random=self._random,
                spread_seconds=settings.return_spread_seconds,
                between_tries_seconds=settings.between_tries_seconds,
            ),
        )
        self._sessions: dict[str, TrackedSession] = {}
        self._slots: dict[str, Slot] = {}
        self._attempts: dict[str, PairingAttempt] = {}
        self._waiting: dict[str, TrackedSession] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._packing: asyncio.TimerHandle | None = None
        self._problems: Sequence[str] = ()

    @property
    def capabilities(self) -> frozenset[str]:
        return frozenset(SUPPORTED)

    async def self_check(self) -> Sequence[str]:
        problems: list[str] = []

        def take(frame: ToDaemon) -> None:
            if isinstance(frame, Fatal):
                problems.append(frame.detail)

        worker = await WorkerProcess.start([], pairing=False, loopback=self._settings.loopback, on_frame=take)
        try:
            async with asyncio.timeout(_SELF_CHECK_SECONDS):
                status = await worker.wait()
        except TimeoutError:
            return ["The engine's self-check did not end."]
        finally:
            worker.kill()
        if status != 0 and not problems:
            problems.append(f"The engine's self-check ended with status {status}.")
        return problems

    async def start(self) -> None:
        """Prove once that the engine is the one this code was written for; without that no session is started."""
        self._problems = await self.self_check()
        for problem in self._problems:
            _log.error("the engine is unusable: %s", problem)

    async def stop(self) -> None:
        if self._packing is not None:
            self._packing.cancel()
            self._packing = None
        self._waiting.clear()
        await self._names.stop()
        await asyncio.gather(*(attempt.cancel() for attempt in list(self._attempts.values())))
        await asyncio.gather(*(slot.stop() for slot in set(self._slots.values())))
        for session in self._sessions.values():
            if session.status not in NEEDS_A_PERSON:
                session.set(SessionStatus.STOPPED, session.change.reason or Reason.STOPPED_BY_REQUEST)
        await asyncio.gather(*(session.delivery.close(_DELIVERY_SECONDS) for session in self._sessions.values()))
        self._sessions.clear()

    async def run(self, spec: SessionSpec) -> None:
        async with self._lock(spec.session_id):
            session = self._track(spec)
            if self._is_pairing(spec.session_id):
                # It runs by itself once the phone is linked.
                return
            if session.status in NEEDS_A_PERSON:
                await self._take_out(spec.session_id)
            elif spec.session_id in self._slots or spec.session_id in self._waiting:
                return
            session.set(SessionStatus.STARTING)
            if self._is_unusable(session):
                return
            self._waiting[spec.session_id] = session
            if self._packing is None:
                loop = asyncio.get_running_loop()
                self._packing = loop.call_later(self._settings.packing_seconds, self._pack)

    async def halt(self, session_id: str) -> None:
        async with self._lock(session_id):
            await self._end_attempt(session_id)
            await self._take_out(session_id)
            session = self._sessions.get(session_id)
            if session is not None and session.status is not SessionStatus.STOPPED:
                session.set(SessionStatus.STOPPED, Reason.STOPPED_BY_REQUEST)

    async def pair(self, spec: SessionSpec) -> None:
        async with self._lock(spec.session_id):
            if self._is_pairing(spec.session_id):
                self._attempts[spec.session_id].ask_again()
                return
            session = self._track(spec)
            if session.status in NEEDS_A_PERSON:
                await self._take_out(spec.session_id)
            elif spec.session_id in self._slots or spec.session_id in self._waiting:
                raise PairingError("The session is linked and running.")
            if self._is_unusable(session):
                return
            self._attempts[spec.session_id] = PairingAttempt(
                session,
                settings=self._settings,
                random=self._random,
                clock=self._clock,
                on_paired=self._paired,
            )

    async def cancel_pairing(self, session_id: str) -> None:
        async with self._lock(session_id):
            await self._end_attempt(session_id)

    async def call(self, session_id: str, command: AnyCommand, *, timeout_seconds: float = 90.0) -> AnyResult:
        channel = self._channel_for(session_id, command)
        if isinstance(command, LogOut):
            return await self._log_out(session_id, channel, command, timeout_seconds)
        return await channel.call(session_id, command, timeout_seconds=timeout_seconds)

    def status(self, session_id: str) -> StatusChange:
        session = self._sessions.get(session_id)
        if session is not None:
            return session.change
        return StatusChange(session_id=session_id, status=SessionStatus.STOPPED, live=False)

    def liveness(self, session_id: str) -> Liveness:
        session = self._sessions.get(session_id)
        return session.liveness if session is not None else Liveness()

    def worker_pid(self, session_id: str) -> int | None:
        """The process that holds the session now, for measurements and for tests that kill it."""
        slot = self._slots.get(session_id)
        return slot.pid if slot is not None else None

    async def find_by_secret(self, spec: SessionSpec, secret: bytes) -> str | None:
        folder = Path(spec.folder)
        slot = self._slots.get(spec.session_id)
        if slot is not None and slot.channel is not None:
            return await asyncio.to_thread(find_message_id, folder, secret)
        patience_seconds = self._settings.store_in_use_patience_seconds
        return await asyncio.to_thread(find_message_id_when_free, folder, secret, patience_seconds=patience_seconds)

    async def forget(self, spec: SessionSpec) -> None:
        async with self._lock(spec.session_id):
            if spec.session_id in self._slots or self._is_pairing(spec.session_id):
                raise InvalidRequestError("The session must be halted before it is forgotten.")
            session = self._sessions.pop(spec.session_id, None)
            if session is not None:
                await session.delivery.close(_DELIVERY_SECONDS)
            await asyncio.to_thread(shutil.rmtree, spec.folder, ignore_errors=True)

    def _track(self, spec: SessionSpec) -> TrackedSession:
        session = self._sessions.get(spec.session_id)
        if session is None:
            delivery = Delivery(session_id=spec.session_id, listener=self._listener)
            session = self._sessions[spec.session_id] = TrackedSession(spec=spec, delivery=delivery, clock=self._clock)
        session.spec = spec
        return session

    def _is_unusable(self, session: TrackedSession) -> bool:
        if self._problems:
            session.set(SessionStatus.FAILED, Reason.ENGINE_UNUSABLE, detail=self._problems[0])
        return bool(self._problems)

    def _is_pairing(self, session_id: str) -> bool:
        attempt = self._attempts.get(session_id)
        return attempt is not None and not attempt.is_over

    def _lock(self, session_id: str) -> asyncio.Lock:
        return self._locks.setdefault(session_id, asyncio.Lock())

    def _pack(self) -> None:
        self._packing = None
        waiting, self._waiting = self._waiting, {}
        specs = [session.spec for session in waiting.values()]
        for group in pack(specs, self._settings.sessions_per_worker):
            self._open_slot([waiting[spec.session_id] for spec in group])

    def _open_slot(self, members: list[TrackedSession], *, suspect: bool = False) -> None:
        slot = Slot(
            members,
            settings=self._settings,
            random=self._random,
            clock=self._clock,
            suspect=suspect,
            watch=self._watch,
            starting=self._starting,
            names=self._names,
            on_left=lambda member: self._left(slot, member),
            on_split=lambda half: self._open_slot(half, suspect=True),
        )
        for member in members:
            self._slots[member.session_id] = slot

    def _left(self, slot: Slot, member: TrackedSession) -> None:
        if self._slots.get(member.session_id) is slot:
            del self._slots[member.session_id]

    def _paired(self, session: TrackedSession) -> None:
        self._attempts.pop(session.session_id, None)
        self._open_slot([session])

    async def _log_out(self, session_id: str, channel: Channel, command: LogOut, timeout_seconds: float) -> AnyResult:
        session = self._sessions[session_id]
        with session.being_logged_out():
            result = await channel.call(session_id, command, timeout_seconds=timeout_seconds)
            session.set(SessionStatus.LOGGED_OUT, Reason.UNLINKED_HERE)
            async with self._lock(session_id):
                await self._take_out(session_id)
        return result

    async def _end_attempt(self, session_id: str) -> None:
        attempt = self._attempts.pop(session_id, None)
        if attempt is not None:
            await attempt.cancel()

    async def _take_out(self, session_id: str) -> None:
        self._waiting.pop(session_id, None)
        slot = self._slots.get(session_id)
        if slot is not None:
            await slot.remove(session_id)

    def _channel_for(self, session_id: str, command: AnyCommand) -> Channel:
        if self._is_pairing(session_id):
            channel = self._attempts[session_id].channel
            if channel is not None and isinstance(command, RequestPairCode):
                return channel
            raise NotPairedError
        slot = self._slots.get(session_id)
        if slot is not None and slot.channel is not None:
            return slot.channel
        raise self._why_not(session_id)

    def _why_not(self, session_id: str) -> SessionError:
        status = self.status(session_id).status
        if status is SessionStatus.LOGGED_OUT:
            return NotPairedError()
        if session_id in self._slots or session_id in self._waiting:
            return NotConnectedError()
        return NotRunningError()
