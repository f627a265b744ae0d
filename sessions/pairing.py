"""One attempt to link a phone: a disposable process that shows codes until a phone scans one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from random import Random

from sessions.backoff import Backoff
from sessions.channel import Channel
from sessions.crash import CrashPoint, crash_point
from sessions.events import Paired, PairingEnded, QrShown, Report
from sessions.process import WorkerProcess
from sessions.protocol import ExitCode, Fatal, Reported, ToDaemon
from sessions.proxies import ProxyLostError, ProxyRefusedError, ready_spec
from sessions.settings import EngineSettings
from sessions.status import Reason, SessionStatus
from sessions.tracking import TrackedSession, status_after

_log = logging.getLogger(__name__)
_CRASHES_TOLERATED = 2
_SET_ASIDE = ("keys.db", "keys.db-wal", "keys.db-shm", "journal")


class PairingAttempt:
    """Runs until a phone is linked, the codes run out with nobody asking for more, or it is cancelled."""

    def __init__(
        self,
        session: TrackedSession,
        *,
        settings: EngineSettings,
        random: Random,
        clock: Callable[[], float],
        on_paired: Callable[[TrackedSession], None],
    ) -> None:
        self._session = session
        self._settings = settings
        self._clock = clock
        self._on_paired = on_paired
        self._backoff = Backoff(
            first_seconds=settings.backoff_first_seconds, limit_seconds=settings.backoff_limit_seconds, random=random
        )
        self._worker: WorkerProcess | None = None
        self._asked_again = False
        self._crashes = 0
        self._is_set_aside = False
        self._ended: Reason | None = None
        self._fatal: Fatal | None = None
        self._paired = False
        self._task = asyncio.create_task(self._run(), name="pairing")

    @property
    def is_over(self) -> bool:
        return self._task.done()

    @property
    def is_paired(self) -> bool:
        """Whether a phone has been linked; the session then runs as soon as the attempt's process is gone."""
        return self._paired

    @property
    def channel(self) -> Channel | None:
        """The line to the attempt's process, while there is one."""
        return self._worker.channel if self._worker is not None else None

    def ask_again(self) -> None:
        """Somebody still waits for a code: when the present ones run out, get new ones."""
        self._asked_again = True

    async def cancel(self) -> None:
        """End the attempt; returns when its process is gone."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def wait(self) -> None:
        """Wait until the attempt is over."""
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        self._session.set(SessionStatus.PAIRING)
        try:
            async with asyncio.timeout(None) as limit:
                outcome: Reason | None = None
                while outcome is None and not self._paired:
                    limit.reschedule(asyncio.get_running_loop().time() + self._settings.pairing_limit_seconds)
                    outcome = await self._one_process()
        except TimeoutError:
            outcome = Reason.QR_EXPIRED
        except asyncio.CancelledError:
            if self._paired:
                self._session.set(SessionStatus.STOPPED, Reason.STOPPED_BY_REQUEST)
            else:
                self._end(Reason.STOPPED_BY_REQUEST)
            raise
        if outcome is None:
            self._on_paired(self._session)
        else:
            self._end(outcome)

    async def _one_process(self) -> Reason | None:
        """Run one process of the attempt; the reason why the attempt is over, or None if it is not or has succeeded."""
        self._ended = self._fatal = None
        self._asked_again = False
        try:
            spec = await ready_spec(self._session.spec, self._settings.proxies)
        except ProxyRefusedError:
            return Reason.PROXY_REFUSED
        except ProxyLostError:
            await asyncio.sleep(self._backoff.next_seconds())
            return None
        worker = await WorkerProcess.start([spec], pairing=True, loopback=self._settings.loopback, on_frame=self._take)
        self._worker = worker
        try:
            status = await worker.wait()
        finally:
            self._worker = None
            worker.kill()
            await worker.wait()
        if self._ended is not None:
            return None if self._ended is Reason.QR_EXPIRED and self._asked_again else self._ended
        if status == ExitCode.ASKED:
            # Linked: just now, or already before, which the process notices by being logged in without a code.
            self._paired = True
            return None
        return await self._after_failure(status, worker)

    async def _after_failure(self, status: int, worker: WorkerProcess) -> Reason | None:
        if self._fatal is None:
            _log.error("pairing worker ended with status %d; its last words:\n%s", status, worker.last_words)
            self._crashes += 1
            return Reason.WORKER_CRASHED if self._crashes > _CRASHES_TOLERATED else None
        reason = self._fatal.reason
        if reason is Reason.CONNECTION_REFUSED:
            await asyncio.sleep(self._backoff.next_seconds())
            return None
        if reason is Reason.STORE_IN_USE:
            await asyncio.sleep(0.25)
            return None
        if reason is Reason.STORE_UNREADABLE and not self._is_set_aside:
            await asyncio.to_thread(_set_aside, Path(self._session.spec.folder), int(self._clock()))
            self._is_set_aside = True
            return None
        return reason

    def _take(self, frame: ToDaemon) -> None:
        if isinstance(frame, Fatal):
            self._fatal = frame
        elif isinstance(frame, Reported) and self._worker is not None:
            passed_on = []
            for report in frame.reports:
                if isinstance(report.event, PairingEnded):
                    self._ended = report.event.reason
                    continue
                passed_on.append(report)
                if isinstance(report.event, QrShown):
                    self._backoff.reset()
                elif isinstance(report.event, Paired):
                    crash_point(CrashPoint.PAIRING_TAKEN)
                    self._paired = True
            if passed_on:
                self._session.delivery.put_reports(passed_on, self._worker.channel)

    def _end(self, reason: Reason) -> None:
        now = self._clock()
        ended = Report(session_id=self._session.session_id, seq=0, received_at=now, event=PairingEnded(reason=reason))
        self._session.delivery.put_reports([ended])
        self._session.set(status_after(reason), reason)


def _set_aside(folder: Path, now: int) -> None:
    """Make room for a new link where the old key store cannot be read; what was there is kept under another name."""
    for name in _SET_ASIDE:
        path = folder / name
        if path.exists():
            path.rename(folder / f"{name}.unreadable-{now}")
