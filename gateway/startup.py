"""What a command needs before it can do anything: settings, log, data folder, schema, store; and why it cannot."""

from __future__ import annotations

import errno
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

from gateway.config.settings import Config
from gateway.datafolder import DataFolder, DataFolderError, FolderKind
from gateway.db.claim import StoreClaim, StoreClaimedError
from gateway.db.database import AnyDatabase, open_database
from gateway.db.errors import DatabaseTooNewError, StoreUnreachableError
from gateway.db.migrate import current, head, upgrade
from gateway.db.reach import driver_errors_in_words
from gateway.exits import CannotStartError
from sessions.protocol import Loopback

_BACKLOG: Final = 1024


def prepare_folder(config: Config, loopback: Loopback | None) -> DataFolder:
    """The data folder, made and marked; raises CannotStartError."""
    folder = DataFolder(config.store.data_folder.absolute())
    try:
        folder.prepare(FolderKind.PRODUCTION if loopback is None else FolderKind.SANDBOX)
    except DataFolderError as error:
        raise CannotStartError(str(error)) from error
    return folder


@asynccontextmanager
async def visited_store(config: Config, loopback: Loopback | None) -> AsyncIterator[AnyDatabase]:
    """The store with this version's schema, for a command that may run beside a daemon."""
    folder = prepare_folder(config, loopback)
    await _ensure_schema(config, folder)
    database = await _open(config, guest=True)
    try:
        yield database
    finally:
        await database.close()


async def open_store(config: Config) -> AnyDatabase:
    """The store, brought up to date first; raises CannotStartError."""
    with _told_in_one_line():
        await upgrade(config.database_url)
    return await _open(config, guest=False)


async def claim_store(config: Config, *, on_lost: Callable[[], None]) -> StoreClaim:
    """Keep other gateways from this store, on whatever machine they are; raises CannotStartError when one has it."""
    claim = StoreClaim(url=config.database_url, on_lost=on_lost)
    try:
        with _told_in_one_line():
            await claim.start()
    except StoreClaimedError as error:
        raise CannotStartError(str(error)) from error
    return claim


async def _ensure_schema(config: Config, folder: DataFolder) -> None:
    """Bring the store up to date, but never under the feet of a gateway that runs on it."""
    with _told_in_one_line():
        if await current(config.database_url) == head():
            return
        try:
            folder.lock()
        except DataFolderError as error:
            raise CannotStartError(f"{error}, of another version than this command; stop it first") from error
        try:
            await upgrade(config.database_url)
        finally:
            folder.unlock()


async def _open(config: Config, *, guest: bool) -> AnyDatabase:
    with _told_in_one_line():
        return await open_database(
            config.database_url,
            guest=guest,
            pool_size=config.store.pool_size,
            batch_limit=config.store.batch_limit,
            queue_limit=config.store.queue_limit,
        )


@contextmanager
def _told_in_one_line() -> Iterator[None]:
    try:
        with driver_errors_in_words():
            yield
    except DatabaseTooNewError as error:
        raise CannotStartError(str(error)) from error
    except StoreUnreachableError as error:
        raise CannotStartError(f"the store cannot be opened: {error}") from error


def listen(config: Config) -> socket.socket:
    """Claim the port before anything is started; raises CannotStartError when somebody has it."""
    host, port = config.http.host, config.http.port
    try:
        return socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=_BACKLOG
        )
    except OSError as error:
        why = "is in use by another program" if error.errno == errno.EADDRINUSE else f"cannot be used: {error.strerror}"
        raise CannotStartError(f"port {port} on {host} {why}; set http.port or http.host") from error
