"""The claim of one gateway on its store: a second one, on whatever machine, is refused."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import structlog
from sqlalchemy import NullPool, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from gateway.db.url import parse_url, sqlite_path
from gateway.kit.service import Wakeable

log = structlog.get_logger(__name__)

#: Names the advisory lock that is the claim. PostgreSQL keeps such locks apart by database.
_KEY: Final = 7_214_998_114
_PATIENCE_SECONDS: Final = 3.0
_LOOK_EVERY_SECONDS: Final = 0.1
#: A machine that is gone says no goodbye: the server finds out within half a minute instead of two hours.
_NOTICE_SOON: Final = {
    "application_name": "wagate claim",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}
_SQLITE_SUFFIX: Final = ".claim"


class StoreClaimedError(Exception):
    """Another gateway runs on this store; the text is one sentence for the operator."""

    def __init__(self) -> None:
        super().__init__("the store is in use by another wagate; each needs a store of its own")


class StoreClaim(Wakeable):
    """Holds the claim from start to stop.

    On PostgreSQL it is a lock of one connection, which is looked after: a connection that was lost is made anew. When
    another gateway was faster meanwhile, ``on_lost`` is called, since two that dispatch one queue would send doubles.
    """

    def __init__(self, *, url: str, on_lost: Callable[[], None], interval_seconds: float = 5.0) -> None:
        super().__init__(interval_seconds=interval_seconds)
        self._url = parse_url(url)
        self._on_lost = on_lost
        self._connection: AsyncConnection | None = None
        self._file: int | None = None

    async def start(self) -> None:
        """Claim the store; raises StoreClaimedError, or what keeps the server from being reached."""
        if self._url.get_backend_name() == "sqlite":
            self._file = await asyncio.to_thread(_lock_beside, sqlite_path(self._url))
            return
        await self._connect_patiently()
        await super().start()

    async def stop(self) -> None:
        """Let it go."""
        await super().stop()
        await self._disconnect()
        if self._file is not None:
            os.close(self._file)
            self._file = None

    async def run_once(self) -> float | None:
        """See that the connection still stands."""
        try:
            if self._connection is None:
                await self._connect()
            else:
                await self._connection.execute(text("SELECT 1"))
        except StoreClaimedError:
            log.error("store claimed by another gateway")
            self._on_lost()
        except (OSError, DBAPIError) as error:
            log.warning("claim on the store is without connection", error=type(error).__name__)
            await self._disconnect()
        return None

    async def _connect_patiently(self) -> None:
        """The server needs a moment to notice that a gateway was killed, which may have been us."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _PATIENCE_SECONDS
        while True:
            try:
                return await self._connect()
            except StoreClaimedError:
                if loop.time() > deadline:
                    raise
            await asyncio.sleep(_LOOK_EVERY_SECONDS)

    async def _connect(self) -> None:
        engine = create_async_engine(
            self._url,
            hide_parameters=True,
            poolclass=NullPool,
            isolation_level="AUTOCOMMIT",
            connect_args={"server_settings": _NOTICE_SOON},
        )
        connection = await engine.connect()
        try:
            if not await connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": _KEY}):
                raise StoreClaimedError
        except BaseException:
            await connection.close()
            raise
        self._connection = connection

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(OSError, DBAPIError):  # it may be broken, which is why it goes
                await connection.close()


def _lock_beside(path: Path) -> int:
    """Hold a file beside the database: locks on the file itself are SQLite's own."""
    descriptor = os.open(path.with_name(path.name + _SQLITE_SUFFIX), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise StoreClaimedError from None
    return descriptor
