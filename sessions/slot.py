"""The place of one worker: keeps a process running for its sessions, through crashes and outages."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from random import Random

from sessions.backoff import Backoff, CrashCounter
from sessions.channel import Channel
from sessions.errors import StoreError
from sessions.events import Connected, Ended, Report
from sessions.keystore import is_paired
from sessions.life import Life
from sessions.liveness import Watch
from sessions.naming import NameSeeker
from sessions.process import WorkerProcess
from sessions.protocol import ExitCode, Fatal, Hello, Pulse, Pulsed, Reported, SessionSpec, ToDaemon
from sessions.proxies import ProxyLostError, ProxyRefusedError, ready_spec
from sessions.ratchets import take_back
from sessions.recycling import Recycling
from sessions.settings import EngineSettings
from sessions.starting import Starting, Turn
from sessions.status import NEEDS_A_PERSON, Reason, SessionStatus
from sessions.tracking import TrackedSession, status_after

_log = logging.getLogger(__name__)
_STORE_IN_USE_WAIT_SECONDS = 0.25
_ASKED_BY_OTHERS_WAIT_SECONDS = 1.0
_KILLS_WINDOW_SECONDS = 60.0
#: No worker was started, since the proxy cannot be found.
_NO_WAY = Fatal(session_id=None, reason=Reason.CONNECTION_REFUSED, detail="the proxy cannot be found")
#: A worker that ends for one of these says so itself, and names the session that cannot go on.
_ENDS_SESSION = frozenset({Reason.UNLINKED_FROM_PHONE, Reason.TEMPORARY_BAN, Reason.STORE_UNREADABLE})


class Slot:
    """Keeps one worker at a time for its members. A member leaves when it has ended or is not wanted any more."""

    def __init__(
        self,
        members: Iterable[TrackedSession],
        *,
        settings: EngineSettings,
        random: Random,
        clock: Callable[[], float],
        suspect: bool = False,
        watch: Watch,
        starting: Starting,
        names: NameSeeker,
        on_left: Callable[[TrackedSession], None],
        on_split: Callable[[list[TrackedSession]], None],
    ) -> None:
        self._members = {member.session_id: member for member in members}
        self._settings = settings
        self._clock = clock
        self._suspect = suspect
        self._watch = watch
        self._starting = starting
        self._names = names
        self._on_left = on_left
        self._on_split = on_split
        self._backoff = Backoff(
            first_seconds=settings.backoff_first_seconds, limit_seconds=settings.backoff_limit_seconds, random=random
        )
        self._crashes = {member: self._counter() for member in self._members}
        self._crashes_together = self._counter()
        self._kills = CrashCounter(limit=settings.crash_limit, window_seconds=_KILLS_WINDOW_SECONDS)
        self._worker: WorkerProcess | None = None
        self._must_change = asyncio.Event()
        self._recycling = Recycling(settings=settings, random=random, replace=self._replace)
        self._in_use_since: float | None = None
        self._process_gone = asyncio.Event()
        self._process_gone.set()
        self._task = asyncio.create_task(self._run(), name="slot")
        self._task.add_done_callback(_log_failure)

    @property
    def channel(self) -> Channel | None:
        """The line to the worker, while there is one."""
        return self._worker.channel if self._worker is not None else None

    @property
    def pid(self) -> int | None:
        """The worker's process id, while there is one."""
        return self._worker.pid if self._worker is not None else None

    async def remove(self, session_id: str) -> None:
        """Take a session out; returns when no process of this slot holds it any more."""
        self._leave(session_id)
        self._must_change.set()
        await self._process_gone.wait()

    async def stop(self) -> None:
        """Stop the worker and keep none; every member is out afterwards."""
        for session_id in list(self._members):
            self._leave(session_id)
        self._must_change.set()
        await asyncio.gather(self._task, return_exceptions=True)

    def _running(self) -> list[TrackedSession]:
        """The members that have not ended. An ended one may stay in the worker, where it does nothing any more."""
        return [member for member in self._members.values() if member.status not in NEEDS_A_PERSON]

    def _counter(self) -> CrashCounter:
        return CrashCounter(limit=self._settings.crash_limit, window_seconds=self._settings.crash_window_seconds)

    def _leave(self, session_id: str) -> None:
        member = self._members.pop(session_id, None)
        if member is not None:
            self._on_left(member)

    async def _run(self) -> None:
        while self._members:
            self._must_change.clear()
            await self._drop_unusable()
            if not self._members:
                return
            turn = await self._starting.turns.take(unless=self._must_change)
            if turn is None:
                continue
            try:
                life = await self._live(turn)
            finally:
                turn.end()
            self._drop_ended()
            pause_seconds = self._recycling.pause_seconds() if life.told_to_end else self._after(life)
            if pause_seconds and self._members:
                await self._pause(pause_seconds, is_outage=life.is_refused)

    async def _drop_unusable(self) -> None:
        """End members whose key store cannot be read or has no linked phone, before a worker stumbles over them."""
        for member in list(self._members.values()):
            try:
                paired = await asyncio.to_thread(_make_ready, Path(member.spec.folder))
            except StoreError as error:
                self._end(member, Reason.STORE_UNREADABLE, str(error))
                continue
            if not paired and member.session_id in self._members:
                self._end(member, Reason.UNLINKED_FROM_PHONE)

    def _drop_ended(self) -> None:
        for member in list(self._members.values()):
            if member.status in NEEDS_A_PERSON:
                self._leave(member.session_id)

    async def _live(self, turn: Turn) -> Life:
        """Run one worker from start to end; the turn is over as soon as its process is up."""
        specs = await self._ready_specs()
        life = Life(members=dict(self._members), turn=turn)
        if not specs:
            life.fatal = _NO_WAY
            return life
        self._process_gone.clear()
        try:
            worker = await WorkerProcess.start(
                specs,
                pairing=False,
                loopback=self._settings.loopback,
                probing=self._settings.probing,
                on_frame=lambda frame: self._take(frame, life),
            )
            self._worker = worker
            for member in self._members.values():
                if member.status in (SessionStatus.STARTING, SessionStatus.PAIRING):
                    member.set(SessionStatus.CONNECTING)
            self._recycling.begin()
            self._recycling.look(self._running())
            await self._until_end(worker, life)
        except OSError:
            _log.exception("worker could not be started")
        finally:
            self._recycling.end()
            self._worker = None
            self._process_gone.set()
        return life

    async def _ready_specs(self) -> list[SessionSpec]:
        """What the worker is to run. Who cannot be dialled for now waits alone, or is out for good."""
        specs: list[SessionSpec] = []
        for member in list(self._members.values()):
            try:
                specs.append(await ready_spec(member.spec, self._settings.proxies))
            except ProxyRefusedError as error:
                self._end(member, Reason.PROXY_REFUSED, str(error))
            except ProxyLostError:
                if len(self._members) > 1:
                    self._isolate(member)
        return specs

    async def _until_end(self, worker: WorkerProcess, life: Life) -> None:
        gone = asyncio.create_task(worker.wait())
        wish = asyncio.create_task(self._must_change.wait())
        try:
            await asyncio.wait({gone, wish}, return_when=asyncio.FIRST_COMPLETED)
            if not gone.done():
                life.told_to_end = True
                settings = self._settings
                await worker.stop(
                    grace_seconds=settings.stop_grace_seconds, kill_after_seconds=settings.kill_after_seconds
                )
            life.exit_status = await gone
            life.was_killed_here = worker.was_killed_here
        finally:
            wish.cancel()
            worker.kill()
        if not life.told_to_end and life.fatal is None:
            _log.error(
                "worker ended unexpectedly with status %d; its last words:\n%s", life.exit_status, worker.last_words
            )

    def _take(self, frame: ToDaemon, life: Life) -> None:
        if isinstance(frame, Hello):
            life.turn.end()
        elif isinstance(frame, Fatal):
            life.fatal = frame
        elif isinstance(frame, Pulsed):
            self._take_pulses(frame.pulses)
        elif isinstance(frame, Reported) and self._worker is not None:
            session_id = frame.reports[0].session_id
            life.members[session_id].delivery.put_reports(frame.reports, self._worker.channel)
            # One that is being taken out still has news on their way, but its status is no longer the worker's to say.
            if session_id in self._members:
                life.has_connected |= any(isinstance(report.event, Connected) for report in frame.reports)
                self._follow(self._members[session_id], frame.reports)

    def _follow(self, member: TrackedSession, reports: Sequence[Report]) -> None:
        for report in reports:
            member.take(report.event)
            if isinstance(report.event, Ended) and not self._running():
                self._must_change.set()
            elif isinstance(report.event, Connected):
                self._backoff.reset()
                self._starting.outage.is_over()
                self._names.seek(member)
        self._recycling.look(self._running())

    def _take_pulses(self, pulses: Sequence[Pulse]) -> None:
        if self._must_change.is_set():
            return
        self._recycling.heard()
        for pulse in pulses:
            for seconds in pulse.probes:
                self._watch.probed(seconds)
            if pulse.session_id in self._members:
                self._members[pulse.session_id].take_pulse(pulse)
        self._recycling.look(self._running())

    def _replace(self, reason: Reason, sick: Sequence[TrackedSession]) -> None:
        """Get a new worker. A member that is sick among well ones gets one of its own, where it hurts nobody."""
        _log.warning("worker is replaced: %s", reason.value)
        self._watch.recycled(reason)
        for member in self._running():
            member.set_down(reason if member in sick else Reason.CONNECTION_LOST)
        for member in sick:
            member.recycle()
            if len(self._members) > len(sick):
                self._isolate(member)
        self._must_change.set()

    def _after(self, life: Life) -> float:
        """Draw the consequences of an end that was not asked for; say how long to wait before the next worker."""
        reason = life.fatal.reason if life.fatal is not None else Reason.WORKER_CRASHED
        named = self._members.get(life.fatal.session_id or "") if life.fatal is not None else None
        detail = life.fatal.detail if life.fatal is not None else ""
        if reason is not Reason.STORE_IN_USE:
            self._in_use_since = None
        self._watch.recycled(reason)
        if reason in _ENDS_SESSION and named is not None:
            self._end(named, reason, detail)
            return 0.0
        if reason is Reason.ENGINE_UNUSABLE:
            for member in list(self._members.values()):
                self._end(member, reason, detail)
            return 0.0
        if reason is Reason.STORE_IN_USE and named is not None:
            return self._wait_for_folder(named, detail)
        if life.exit_status == ExitCode.ASKED:
            # Somebody else told it to stop, such as a service manager that stops all processes of this service.
            return self._set_down(reason, _ASKED_BY_OTHERS_WAIT_SECONDS, detail)
        if reason is Reason.CONNECTION_REFUSED:
            return self._set_down(reason, self._backoff.next_seconds(), detail)
        if reason is Reason.ENGINE_DEAF and life.has_connected and len(self._members) == 1:
            # Something that the library cannot read arrived. Whoever sent it must not be able to switch us off.
            return self._set_down(reason, self._recycling.next_pause(), detail)
        if life.was_killed_from_outside:
            # An operator or the kernel short of memory: no sign of a crash loop, so it does not count as one.
            return self._set_down(reason, self._backoff.next_seconds() if self._was_killed_lately() else 0.0, "")
        return self._after_crash(reason, named)

    def _was_killed_lately(self) -> bool:
        """Whether this was not the first kill within a minute: one comes back at once, many are spread a little."""
        return self._kills.count(self._clock()) > 1

    def _wait_for_folder(self, member: TrackedSession, detail: str) -> float:
        now = self._clock()
        self._in_use_since = now if self._in_use_since is None else self._in_use_since
        if now - self._in_use_since > self._settings.store_in_use_patience_seconds:
            self._end(member, Reason.STORE_IN_USE, detail)
        return _STORE_IN_USE_WAIT_SECONDS

    def _after_crash(self, reason: Reason, named: TrackedSession | None) -> float:
        now = self._clock()
        together = self._crashes_together.count(now)
        if named is None and len(self._members) == 1:
            named = next(iter(self._members.values()))
        if named is None:
            if together >= 2 or self._suspect:
                self._split()
        elif self._crashes[named.session_id].count(now) >= 2 and len(self._members) > 1:
            self._isolate(named)
        elif self._crashes[named.session_id].is_looping:
            self._end(named, Reason.CRASH_LOOP)
        return self._set_down(reason, self._backoff.next_seconds() if together > 1 else 0.0, "")

    def _split(self) -> None:
        """One of the members brings the worker down; halves of ever smaller size will tell which."""
        members = list(self._members.values())
        half = members[len(members) // 2 :]
        for member in half:
            del self._members[member.session_id]
        self._suspect = True
        self._on_split(half)

    def _isolate(self, member: TrackedSession) -> None:
        del self._members[member.session_id]
        self._on_split([member])

    def _set_down(self, reason: Reason, pause_seconds: float, detail: str) -> float:
        until = self._clock() + pause_seconds if pause_seconds else None
        for member in self._running():
            member.set_down(reason, detail=detail, until=until)
        return pause_seconds

    def _end(self, member: TrackedSession, reason: Reason, detail: str = "") -> None:
        if member.status not in NEEDS_A_PERSON:
            member.set(status_after(reason), reason, detail=detail)
        self._leave(member.session_id)

    async def _pause(self, seconds: float, *, is_outage: bool) -> None:
        if is_outage:
            await self._starting.outage.wait(seconds, unless=self._must_change)
            return
        try:
            async with asyncio.timeout(seconds):
                await self._must_change.wait()
        except TimeoutError:
            return


def _make_ready(folder: Path) -> bool:
    """Whether a phone is linked; what the last worker may have received in vain can then be received again."""
    if not is_paired(folder):
        return False
    try:
        take_back(folder)
    except StoreError:
        _log.warning("ratchets are not taken back; a message may be lost", exc_info=True)
    return True


def _log_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        _log.error("a slot failed and its sessions do not run", exc_info=task.exception())
