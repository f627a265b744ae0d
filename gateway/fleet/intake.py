"""Takes over what the engine reports: one transaction per batch, handed to whoever registered for it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial

import msgspec
import structlog

from gateway.db.tx import Database, Tx
from gateway.fleet import store
from gateway.fleet.models import QuarantinedReport, Session
from gateway.fleet.progress import Progress
from gateway.fleet.render import SESSION_PREFIX
from gateway.kit.clock import Clock
from gateway.kit.errors import UnavailableError
from gateway.kit.ids import IdGenerator, parse_id
from sessions.crash import CrashPoint, crash_point
from sessions.engine import StatusChange
from sessions.events import Fact, Identified, Paired, QrShown, Report, Unparsed, Withheld

log = structlog.get_logger(__name__)

ReportHandler = Callable[[Tx, Session, Report], None]
ReportObserver = Callable[[int, Report], None]
StatusObserver = Callable[[int, StatusChange], None]


class Intake:
    """The engine's listener. What it returns from is committed.

    Handlers run inside the transaction and change rows; observers are called on the event loop after the commit.
    Reports may be offered twice (a crash between commit and acknowledgement), so handlers must bear that.
    """

    def __init__(
        self,
        *,
        database: Database,
        progress: Progress,
        clock: Clock,
        ids: IdGenerator,
    ) -> None:
        self._database = database
        self._progress = progress
        self._clock = clock
        self._ids = ids
        self._handlers: dict[type[Fact], list[ReportHandler]] = defaultdict(list)
        self._observers: dict[type[Fact], list[ReportObserver]] = defaultdict(list)
        self._status_observers: list[StatusObserver] = []
        self.register(Paired, progress.paired)
        self.register(Identified, progress.identified)
        self.register(QrShown, progress.offered)
        self.observe(Unparsed, _complain)
        self.observe(Withheld, _complain)

    def register(self, kind: type[Fact], handler: ReportHandler) -> None:
        """Have reports of this kind handled in the transaction, in the order of registration."""
        self._handlers[kind].append(handler)

    def observe(self, kind: type[Fact], observer: ReportObserver) -> None:
        """Be told of reports of this kind once they are committed."""
        self._observers[kind].append(observer)

    def observe_status(self, observer: StatusObserver) -> None:
        """Be told of every change of status once it is committed."""
        self._status_observers.append(observer)

    async def on_reports(self, reports: Sequence[Report]) -> None:
        """Commit a batch. A report that nobody can digest is quarantined, so that it cannot hold up the others."""
        crash_point(CrashPoint.INTAKE_TAKEN)
        try:
            await self._database.write(lambda tx: self._take(tx, reports))
        except UnavailableError:
            raise
        except Exception:
            log.exception("batch failed, taken one by one", count=len(reports))
            await self._take_one_by_one(reports)
        crash_point(CrashPoint.INTAKE_COMMITTED)
        for report in reports:
            self._tell(report)

    async def on_status(self, change: StatusChange) -> None:
        """Commit a change of status."""
        session_id = parse_id(SESSION_PREFIX, change.session_id)
        await self._database.write(lambda tx: self._follow(tx, session_id, change))
        log.info(
            "session status changed",
            session_id=change.session_id,
            status=change.status,
            live=change.live,
            reason=change.reason,
            detail=change.detail,
        )
        for observer in self._status_observers:
            observer(session_id, change)

    def _follow(self, tx: Tx, session_id: int, change: StatusChange) -> None:
        session = store.find_to_change(tx, session_id=session_id)
        if session is not None:
            self._progress.follow(tx, session, change)

    def _take(self, tx: Tx, reports: Sequence[Report]) -> None:
        sessions: dict[str, Session | None] = {}
        for report in reports:
            handlers = self._handlers.get(type(report.event))
            if not handlers:
                continue
            if report.session_id not in sessions:
                session_id = parse_id(SESSION_PREFIX, report.session_id)
                sessions[report.session_id] = store.find_any(tx, session_id=session_id)
            session = sessions[report.session_id]
            if session is None:
                log.warning("report of an unknown session dropped", session_id=report.session_id)
                continue
            for handle in handlers:
                handle(tx, session, report)

    async def _take_one_by_one(self, reports: Sequence[Report]) -> None:
        for report in reports:
            try:
                await self._database.write(partial(self._take, reports=[report]))
            except UnavailableError:
                raise
            except Exception as error:
                log.exception("report quarantined", session_id=report.session_id, seq=report.seq)
                await self._database.write(partial(self._quarantine, report=report, error=type(error).__name__))

    def _quarantine(self, tx: Tx, report: Report, error: str) -> None:
        """Keep the report itself. If even this fails the error goes up, and the engine offers everything again."""
        session_id = parse_id(SESSION_PREFIX, report.session_id)
        session = store.find_any(tx, session_id=session_id)
        if session is None or report.seq == 0:
            return
        tx.add(
            QuarantinedReport(
                id=self._ids.new(),
                org_id=session.org_id,
                session_id=session_id,
                seq=report.seq,
                kind=type(report.event).__name__,
                report=msgspec.msgpack.encode(report),
                error=error,
                at=self._clock.now(),
            )
        )

    def _tell(self, report: Report) -> None:
        observers = self._observers.get(type(report.event))
        for observer in observers or ():
            observer(parse_id(SESSION_PREFIX, report.session_id), report)


def _complain(_session_id: int, report: Report) -> None:
    """Something that WhatsApp sent will not be seen by anybody unless a person looks for it."""
    log.error(
        "an event of a session was not taken over; its bytes are in the session's quarantine folder",
        session_id=report.session_id,
        seq=report.seq,
        **msgspec.structs.asdict(report.event),
    )
