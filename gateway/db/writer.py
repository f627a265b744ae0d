"""The one thread that writes to SQLite: many units of work, one durable commit."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.orm import Session

from gateway.db.errors import StoreBusyError, StoreClosedError, StoreFailedError
from gateway.db.turns import Turns
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


#: A commit takes in no more work after this long: whoever comes next waits for about as long, whatever the queue holds.
_BATCH_SECONDS = 0.05


class GroupCommitWriter:
    """Takes units of work from the event loop and commits what is waiting, up to ``batch_limit``, at once.

    Each unit runs in a savepoint, so a failing one takes nothing else along. Answers are given only after the commit
    that made them durable; when that commit fails, every unit in it fails. The gateway's own work goes before what
    callers ask for (``docs/decisions/0016-own-work-first.md``).
    """

    def __init__(
        self,
        *,
        engine: Engine,
        loop: asyncio.AbstractEventLoop,
        batch_limit: int = 128,
        batch_seconds: float = _BATCH_SECONDS,
        queue_limit: int = 20_000,
    ) -> None:
        self._engine = engine
        self._loop = loop
        self._batch_limit = batch_limit
        self._batch_seconds = batch_seconds
        self._queue_limit = queue_limit
        self._queue: Turns[_Job] = Turns()
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

    def submit(self, work: Callable[[Tx], Any], *, is_callers: bool = False) -> asyncio.Future[Any]:
        """Queue one unit of work; call on the event loop. ``is_callers`` marks what somebody outside asks for."""
        answer: asyncio.Future[Any] = self._loop.create_future()
        with self._changed:
            if self._closing:
                raise StoreClosedError
            if self._queue.waiting(is_callers=is_callers) >= self._queue_limit:
                raise StoreBusyError(retry_after_seconds=1.0)
            self._queue.put(_Job(work, answer), is_callers=is_callers)
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
            while (first := self._wait()) is not None:
                self._loop.call_soon_threadsafe(_deliver, self._run_batch(first))
        finally:
            self._refuse_rest()

    def _wait(self) -> _Job | None:
        """The next unit of work, as soon as there is one; None when there will be no more."""
        with self._changed:
            while not self._queue and not self._closing:
                self._changed.wait()
            return self._queue.take()

    def _take(self) -> _Job | None:
        with self._changed:
            return self._queue.take()

    def _refuse_rest(self) -> None:
        """Whatever ends the thread, nobody is left waiting for an answer that cannot come."""
        rest = []
        with self._changed:
            self._closing = True
            while (job := self._queue.take()) is not None:
                rest.append(_Outcome(job, error=StoreClosedError()))
        if rest:
            self._loop.call_soon_threadsafe(_deliver, rest)

    def _run_batch(self, first: _Job) -> list[_Outcome]:
        batch = [first]
        try:
            connection = self._connected()
            with connection.begin():
                second = self._take()
                if second is None:
                    return [_run_alone(connection, first)]
                batch.append(second)
                return [_run_in_savepoint(connection, job) for job in self._growing(batch)]
        except Exception as error:
            log.exception("commit failed", units=len(batch))
            self._reconnect_next_time()
            return [_Outcome(job, error=_failure(error)) for job in batch]

    def _growing(self, batch: list[_Job]) -> Iterator[_Job]:
        """What is in the batch and whatever joins it while there is time and room."""
        until = time.monotonic() + self._batch_seconds
        yield from tuple(batch)
        while len(batch) < self._batch_limit and time.monotonic() < until:
            job = self._take()
            if job is None:
                return
            batch.append(job)
            yield job

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
    if job.answer.cancelled():
        return _Outcome(job)
    with Session(bind=connection, expire_on_commit=False, join_transaction_mode="rollback_only") as session:
        try:
            return _work(session, job)
        except Exception as error:  # noqa: BLE001 - it belongs to the caller, who is given it
            session.rollback()
            return _Outcome(job, error=error)


def _run_in_savepoint(connection: Connection, job: _Job) -> _Outcome:
    if job.answer.cancelled():
        return _Outcome(job)
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
