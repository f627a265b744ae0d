"""Makes the engine agree with the rows: what should run runs, what should not does not, what is to go goes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import Context
from functools import partial

import structlog

from gateway.db.tx import Database, Tx
from gateway.fleet import store
from gateway.fleet.models import Desired, Session
from gateway.fleet.render import session_id as rendered_id
from gateway.fleet.service import Sessions
from gateway.fleet.specs import Specs
from gateway.fleet.unlinker import Unlinker
from gateway.kit.service import Wakeable
from sessions.engine import Engine, StatusChange
from sessions.status import NEEDS_A_PERSON, Reason, SessionStatus

log = structlog.get_logger(__name__)

_UNLINK_SECONDS = 20.0
_AT_REST = NEEDS_A_PERSON | {SessionStatus.STOPPED}
_MATTERS = _AT_REST | {SessionStatus.CONNECTED}


class Reconciler(Wakeable):
    """Compares the wish in each row with the engine and acts on the difference, each session in a task of its own.

    Every step may be repeated: whatever a crash leaves undone still stands in the row.
    """

    def __init__(
        self,
        *,
        database: Database,
        engine: Engine,
        sessions: Sessions,
        specs: Specs,
        unlinker: Unlinker,
        interval_seconds: float = 5.0,
    ) -> None:
        super().__init__(interval_seconds=interval_seconds)
        self._database = database
        self._engine = engine
        self._sessions = sessions
        self._specs = specs
        self._unlinker = unlinker
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._missed: set[int] = set()  #: something came up for them while they were being worked on
        self._running: set[int] = set()  #: what the engine was asked to run
        self._told: dict[int, StatusChange] = {}  #: the last change of each session that its row has taken over

    def status_changed(self, session_id: int, change: StatusChange) -> None:
        """Observe statuses: some of them leave something to do."""
        self._told[session_id] = change
        if change.status in _MATTERS:
            self.wake()

    async def run_once(self) -> float | None:
        """Start the work that rows ask for."""
        for session in await self._database.read(store.all_to_reconcile):
            if self._differs(session):
                self._spawn(session.id, partial(self._agree, session.id))
        return None

    async def settle(self, session_id: int) -> None:
        """Wait until nothing is under way or due for one session: before it is paired anew."""
        await self._finish(session_id)
        self._spawn(session_id, partial(self._agree, session_id))
        await self._finish(session_id)

    async def restart(self, session: Session) -> None:
        """Give a session a new worker; returns when that has begun."""
        await self._finish(session.id)
        self._spawn(session.id, partial(self._restart, session))

    async def stop(self) -> None:
        """End; work that is cut short here is due again at the next start."""
        await super().stop()
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _wants_running(self, session: Session) -> bool:
        return (
            session.is_paired
            and session.desired == Desired.RUN
            and session.removed_at is None
            and session.status not in NEEDS_A_PERSON
        )

    def _differs(self, session: Session) -> bool:
        if session.unlink_due or session.forget_due:
            return True
        status = self._engine.status(rendered_id(session)).status
        if self._wants_running(session):
            return status in _AT_REST
        return session.id in self._running or status not in _AT_REST

    def _spawn(self, session_id: int, work: Callable[[], Awaitable[None]]) -> None:
        """One piece of work per session at a time; what comes meanwhile is found by the pass that follows."""
        if session_id in self._tasks:
            self._missed.add(session_id)
            return
        if self.stopping.is_set():
            return
        # Lives on after the request that caused it, so that its log lines must not carry that request's id.
        self._tasks[session_id] = asyncio.create_task(
            self._work(session_id, work), name=f"reconcile {session_id}", context=Context()
        )

    async def _work(self, session_id: int, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except Exception:
            log.exception("session not reconciled", session=session_id)
        finally:
            del self._tasks[session_id]
            if session_id in self._missed:
                self._missed.discard(session_id)
                self.wake()

    async def _finish(self, session_id: int) -> None:
        task = self._tasks.get(session_id)
        if task is not None:
            await asyncio.wait([task])

    async def _agree(self, session_id: int) -> None:
        """Bring about what the row wants at this moment, which may no longer be what made us look."""
        told = self._told.get(session_id)  # before the row is read, which then holds at least this
        session = await self._database.read(lambda tx: store.find_any(tx, session_id=session_id))
        if session is None or not self._differs(session):
            return
        if session.unlink_due:
            await self._unlinker.unlink_patiently(self._specs.of(session), timeout_seconds=_UNLINK_SECONDS)
        if session.unlink_due or session.forget_due:
            await self._forget(session)
        elif not self._wants_running(session):
            await self._halt(session)
        elif not self._has_ended_unheard(session, told):
            await self._run(session)

    def _has_ended_unheard(self, session: Session, told: StatusChange | None) -> bool:
        """The session has ended for a reason that needs a person, and the row does not say so yet.

        Its wish is from before: starting it now would be against a ban. We are woken when the row has heard.
        """
        now = self._engine.status(rendered_id(session))
        return now.status in NEEDS_A_PERSON and now != told

    async def _run(self, session: Session) -> None:
        self._running.add(session.id)
        await self._engine.run(self._specs.of(session))

    async def _halt(self, session: Session) -> None:
        await self._engine.halt(rendered_id(session))
        self._running.discard(session.id)
        await self._database.write(lambda tx: self._note_stopped(tx, session.id))

    async def _restart(self, session: Session) -> None:
        await self._engine.halt(rendered_id(session))
        await self._run(session)

    async def _forget(self, session: Session) -> None:
        """The keys are of no more use: WhatsApp no longer knows the device, or nobody wants it."""
        spec = self._specs.of(session)
        await self._engine.cancel_pairing(spec.session_id)
        await self._engine.halt(spec.session_id)
        self._running.discard(session.id)
        await self._engine.forget(spec)
        self._told.pop(session.id, None)
        await self._database.write(lambda tx: self._note_forgotten(tx, session.id))
        log.info("keys deleted", session_id=spec.session_id)

    def _note_stopped(self, tx: Tx, session_id: int) -> None:
        """The engine says ``stopped`` itself; this is for sessions that it never came to run."""
        session = store.find_to_change(tx, session_id=session_id)
        if session is not None and session.desired == Desired.STOP and session.status not in _AT_REST:
            self._sessions.set_status(tx, session, SessionStatus.STOPPED, reason=Reason.STOPPED_BY_REQUEST)

    def _note_forgotten(self, tx: Tx, session_id: int) -> None:
        session = store.find_to_change(tx, session_id=session_id)
        if session is not None:
            session.unlink_due = False
            session.forget_due = False
