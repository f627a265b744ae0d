"""The store on PostgreSQL, through asyncpg."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionFreeError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from gateway.db.errors import StoreAwayError, StoreBusyError, StoreFailedError
from gateway.db.tx import Tx
from gateway.db.writer import run_callbacks

T = TypeVar("T")
log = structlog.get_logger(__name__)

_TRIES = 6
_FIRST_PAUSE_SECONDS = 0.005
#: serialization_failure and deadlock_detected: the server asks to run the whole transaction again.
_TRY_AGAIN_STATES = frozenset({"40001", "40P01"})
#: Classes of states that speak of the server and not of what it was asked: connection, resources, an operator's
#: intervention, the machine (https://www.postgresql.org/docs/current/errcodes-appendix.html).
_CONNECTION_CLASSES = frozenset({"08", "57"})
_RESOURCE_CLASSES = frozenset({"53", "58"})
_RETRY_SECONDS = 1.0


class PostgresDatabase:
    """A :class:`gateway.db.tx.Database` on a PostgreSQL server; writes are READ COMMITTED, reads are snapshots."""

    def __init__(self, *, engine: AsyncEngine, chance: random.Random) -> None:
        self._write_engine = engine
        self._read_engine = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self._chance = chance

    @classmethod
    async def open(cls, url: str, *, pool_size: int = 10, chance: random.Random) -> PostgresDatabase:
        """Connect once, raising what is wrong with the address here."""
        engine = create_async_engine(url, hide_parameters=True, pool_size=pool_size, max_overflow=0, pool_pre_ping=True)
        try:
            async with engine.connect():
                pass
        except BaseException:
            await engine.dispose()
            raise
        return cls(engine=engine, chance=chance)

    @property
    def waiting(self) -> int:
        """PostgreSQL keeps no queue on our side."""
        return 0

    def front(self) -> PostgresDatabase:
        """The same: PostgreSQL serves everybody at once, so nobody waits behind others."""
        return self

    async def write(self, work: Callable[[Tx], T]) -> T:
        for attempt in range(_TRIES):
            try:
                with _troubles_in_words():
                    return await self._write_once(work)
            except DBAPIError as error:
                if attempt == _TRIES - 1 or _state_of(error) not in _TRY_AGAIN_STATES:
                    raise
                log.info("transaction tried again", attempt=attempt + 1, state=_state_of(error))
            pause = _FIRST_PAUSE_SECONDS * 2**attempt
            await asyncio.sleep(pause * self._chance.uniform(0.5, 1.5))
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def read(self, work: Callable[[Tx], T]) -> T:
        with _troubles_in_words():
            async with AsyncSession(self._read_engine, expire_on_commit=False) as session:
                return await session.run_sync(lambda inner: work(Tx(inner)))

    async def close(self) -> None:
        await self._write_engine.dispose()

    async def _write_once(self, work: Callable[[Tx], T]) -> T:
        async with AsyncSession(self._write_engine, expire_on_commit=False) as session:
            tx = Tx(session.sync_session)
            value = await session.run_sync(lambda _: work(tx))
            # What is done last, before the commit, may ask to be told of it as well: the callbacks are complete after.
            await session.commit()
        run_callbacks(tx.after_commit_callbacks)
        return value


@contextmanager
def _troubles_in_words() -> Iterator[None]:
    """Tell a server that cannot do it just now from a question that it does not understand."""
    try:
        yield
    except NoConnectionFreeError as error:
        raise StoreBusyError(retry_after_seconds=_RETRY_SECONDS) from error
    except OSError as error:
        raise StoreAwayError(retry_after_seconds=_RETRY_SECONDS) from error
    except DBAPIError as error:
        kind = (_state_of(error) or "")[:2]
        if error.connection_invalidated or kind in _CONNECTION_CLASSES:
            raise StoreAwayError(retry_after_seconds=_RETRY_SECONDS) from error
        if kind in _RESOURCE_CLASSES:
            raise StoreFailedError(retry_after_seconds=_RETRY_SECONDS) from error
        raise


def _state_of(error: DBAPIError) -> str | None:
    state = getattr(error.orig, "sqlstate", None)
    return state if isinstance(state, str) else None
