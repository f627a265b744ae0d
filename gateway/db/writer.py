"""The one thread that writes to SQLite: many units of work, one durable commit."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.orm import Session

from gateway.db.errors import StoreBusyError, StoreClosedError, StoreFailedError
from gateway.db.tx import Tx

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Job:
    work: Callable[[Tx], Any]
    answer: asyncio.Future[Any]


@dataclass(frozen=True, slots=True)
class _Outcome:
    job: _Job
    value: Any = None
    error: BaseException | None = None
    callbacks: Sequence[Callable[[], None]] = ()


class _TransactionLostError(Exception):
    """SQLite gave up the whole transaction, not just the statement that failed (disk full, input/output error)."""


class GroupCommitWriter:
    """Takes units of work from the event loop and commits what is waiting, up to ``batch_limit``, at once.

    Each unit runs in a savepoint, so a failing one takes nothing else along. Answers are given only after the commit
    that made them durable; when that commit fails, every unit in it fails.
    """

    def __init__(
        self,
        *,
        engine: Engine,
        loop: asyncio.AbstractEventLoop,
        batch_limit: int = 128,
        queue_limit: int = 20_000,
    ) -> None:
        self._engine = engine
        self._loop = loop
        self._batch_limit = batch_limit
        self._queue_limit = queue_limit
        self._queue: deque[_Job] = deque()
        self._changed = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._live, name="store writer", daemon=True)
        self._connection: Connection | None = None

    @property
    def waiting(self) -> int:
        """How many units of work wait for the thread."""
        return len(self._queue)

    def start(self) -> None:
        """Connect, raising what is wrong with the file here, and begin. Blocks; call it off the loop."""
        self._connection = self._engine.connect()
        self._thread.start()

    def submit(self, work: Callable[[Tx], Any]) -> asyncio.Future[Any]:
        """Queue one unit of work; call on the event loop."""
        answer: asyncio.Future[Any] = self._loop.create_future()
        with self._changed:
            if self._closing:
                raise StoreClosedError
            if len(self._queue) >= self._queue_limit:
                raise StoreBusyError(retry_after_seconds=1.0)
            self._queue.append(_Job(work, answer))
            self._changed.notify()
        return answer

    def close(self) -> None:
        """Take nothing new, finish what is queued, end. Blocks; call it off the loop."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._thread.ident is not None:
            self._thread.join()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _live(self) -> None:
        try:
            while batch := self._take():
                self._loop.call_soon_threadsafe(_deliver, self._run_batch(batch))
        finally:
            self._refuse_rest()

    def _take(self) -> list[_Job]:
        with self._changed:
            while not self._queue and not self._closing:
                self._changed.wait()
            return [self._queue.popleft() for _ in range(min(len(self._queue), self._batch_limit))]

    def _refuse_rest(self) -> None:
        """Whatever ends the thread, nobody is left waiting for an answer that cannot come."""
        with self._changed:
            self._closing = True
            rest = [_Outcome(job, error=StoreClosedError()) for job in self._queue]
            self._queue.clear()
        if rest:
            self._loop.call_soon_threadsafe(_deliver, rest)

    def _run_batch(self, batch: Sequence[_Job]) -> list[_Outcome]:
        wanted = [job for job in batch if not job.answer.cancelled()]
        try:
            connection = self._connected()
            with connection.begin():
                if len(wanted) == 1:
                    return [_run_alone(connection, wanted[0])]
                return [_run_in_savepoint(connection, job) for job in wanted]
        except Exception as error:
            log.exception("commit failed", units=len(wanted))
            self._reconnect_next_time()
            return [_Outcome(job, error=_failure(error)) for job in wanted]

    def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = self._engine.connect()
        return self._connection

    def _reconnect_next_time(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()
            connection.close()


def _run_alone(connection: Connection, job: _Job) -> _Outcome:
    """Nobody shares the transaction, so it needs no savepoint: two statements less for most requests."""
    with Session(bind=connection, expire_on_commit=False, join_transaction_mode="rollback_only") as session:
        try:
            return _work(session, job)
        except Exception as error:  # noqa: BLE001 - it belongs to the caller, who is given it
            session.rollback()
            return _Outcome(job, error=error)


def _run_in_savepoint(connection: Connection, job: _Job) -> _Outcome:
    with Session(bind=connection, expire_on_commit=False, join_transaction_mode="create_savepoint") as session:
        try:
            return _work(session, job)
        except Exception as error:  # noqa: BLE001 - it belongs to the caller, who is given it
            _demand_transaction(connection, error)
            session.rollback()
            return _Outcome(job, error=error)


def _work(session: Session, job: _Job) -> _Outcome:
    tx = Tx(session)
    value = job.work(tx)
    session.commit()
    return _Outcome(job, value=value, callbacks=tx.after_commit_callbacks)


def _demand_transaction(connection: Connection, cause: Exception) -> None:
    driver: Any = connection.connection.driver_connection
    if not driver.in_transaction:
        raise _TransactionLostError from cause


def _failure(cause: Exception) -> StoreFailedError:
    error = StoreFailedError(retry_after_seconds=1.0)
    error.__cause__ = cause
    return error


def _deliver(outcomes: Sequence[_Outcome]) -> None:
    """Runs on the event loop: first the wake-ups, then the answers."""
    for outcome in outcomes:
        run_callbacks(outcome.callbacks)
    for outcome in outcomes:
        if outcome.job.answer.done():
            continue
        if outcome.error is not None:
            outcome.job.answer.set_exception(outcome.error)
        else:
            outcome.job.answer.set_result(outcome.value)


def run_callbacks(callbacks: Sequence[Callable[[], None]]) -> None:
    """Tell those who asked that their work is committed; one that fails must not keep the others from hearing it."""
    for callback in callbacks:
        try:
            callback()
        except Exception:
            log.exception("after-commit callback failed")
