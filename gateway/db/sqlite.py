"""The store on SQLite: one writer thread, a few readers, one file."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.orm import Session

from gateway.db.errors import StoreClosedError
from gateway.db.tx import Tx
from gateway.db.writer import GroupCommitWriter

T = TypeVar("T")

BUSY_TIMEOUT_SECONDS = 10.0
#: What is left of the log's file when it was folded back after a busy time.
_LARGEST_IDLE_LOG_BYTES = 64 * 1024 * 1024
#: How many rows of an index SQLite looks at to learn how its values are spread.
_ROWS_LOOKED_AT = 400


class SqliteDatabase:
    """A :class:`gateway.db.tx.Database` on one SQLite file in WAL mode, durable at every commit.

    A read runs whole in one reader thread: one hop for all its statements, where aiosqlite makes one for each
    (``docs/decisions/0009-reads-on-threads.md``).
    """

    def __init__(self, *, writer: GroupCommitWriter, write_engine: Engine, read_engine: Engine, readers: int) -> None:
        self._writer = writer
        self._write_engine = write_engine
        self._read_engine = read_engine
        self._readers = ThreadPoolExecutor(max_workers=readers, thread_name_prefix="store reader")
        self._closed = False

    @classmethod
    async def open(
        cls,
        path: Path,
        *,
        guest: bool = False,
        readers: int = 4,
        batch_limit: int = 128,
        queue_limit: int = 20_000,
    ) -> SqliteDatabase:
        """Open the file, creating it when absent. ``guest`` is for short visits beside a running daemon."""
        write_engine = make_write_engine(path, guest=guest)
        writer = GroupCommitWriter(
            engine=write_engine,
            loop=asyncio.get_running_loop(),
            batch_limit=batch_limit,
            queue_limit=queue_limit,
        )
        try:
            await asyncio.to_thread(writer.start)
        except BaseException:
            write_engine.dispose()
            raise
        read_engine = _make_read_engine(path, readers)
        return cls(writer=writer, write_engine=write_engine, read_engine=read_engine, readers=readers)

    @property
    def waiting(self) -> int:
        """How many units of work wait for the writer."""
        return self._writer.waiting

    async def write(self, work: Callable[[Tx], T]) -> T:
        answer: T = await self._writer.submit(work)
        return answer

    def front(self) -> FrontDesk:
        """The same store for what callers ask for, which waits behind the gateway's own work."""
        return FrontDesk(store=self, writer=self._writer)

    async def read(self, work: Callable[[Tx], T]) -> T:
        if self._closed:
            raise StoreClosedError
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, work)

    async def optimize(self) -> None:
        """Let SQLite learn how the tables have grown, so that it goes on choosing the right indexes."""
        await self.write(_learn)

    async def close(self) -> None:
        # Readers go first: the last connection to leave folds the log back into the file, and that must be the writer.
        self._closed = True
        await asyncio.to_thread(self._readers.shutdown)
        self._read_engine.dispose()
        await asyncio.to_thread(self._writer.close)
        await asyncio.to_thread(self._write_engine.dispose)

    def _read(self, work: Callable[[Tx], T]) -> T:
        with Session(self._read_engine, expire_on_commit=False) as session:
            return work(Tx(session))


class FrontDesk:
    """A :class:`gateway.db.tx.Database` for requests from outside. Its store is closed by whoever opened it."""

    def __init__(self, *, store: SqliteDatabase, writer: GroupCommitWriter) -> None:
        self._store = store
        self._writer = writer

    async def write(self, work: Callable[[Tx], T]) -> T:
        answer: T = await self._writer.submit(work, is_callers=True)
        return answer

    async def read(self, work: Callable[[Tx], T]) -> T:
        return await self._store.read(work)


def _learn(tx: Tx) -> None:
    tx.execute(text(f"PRAGMA analysis_limit={_ROWS_LOOKED_AT}"))
    tx.execute(text("PRAGMA optimize"))


def make_write_engine(path: Path, *, guest: bool = False) -> Engine:
    """A synchronous engine whose transactions begin IMMEDIATE, so that they never fail half-way for a lock."""
    engine = create_engine(f"sqlite:///{path}", hide_parameters=True, connect_args={"timeout": BUSY_TIMEOUT_SECONDS})
    prepare_writing(engine, guest=guest)
    return engine


def prepare_writing(engine: Engine, *, guest: bool = False, foreign_keys: bool = True) -> None:
    """Have an engine's connections write as all of ours do, whichever driver it goes through."""

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the begin event below says how, not the driver
        _pragmas(connection, "journal_mode=WAL", "synchronous=FULL", "cache_size=-32000")
        _pragmas(connection, f"journal_size_limit={_LARGEST_IDLE_LOG_BYTES}")
        _pragmas(connection, f"foreign_keys={'ON' if foreign_keys else 'OFF'}")
        if guest:
            # Two processes that both fold the log back can corrupt it before SQLite 3.51.3; the owner does it.
            _pragmas(connection, "wal_autocheckpoint=0")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _make_read_engine(path: Path, readers: int) -> Engine:
    engine = create_engine(
        f"sqlite:///{path}",
        hide_parameters=True,
        connect_args={"timeout": BUSY_TIMEOUT_SECONDS},
        pool_size=readers,
        max_overflow=0,
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        _pragmas(connection, "query_only=ON", "wal_autocheckpoint=0", "cache_size=-8000")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine


def _pragmas(connection: Any, *settings: str) -> None:
    cursor = connection.cursor()
    for setting in settings:
        cursor.execute(f"PRAGMA {setting}")
    cursor.close()
