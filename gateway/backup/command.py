"""What `wagate backup` and `wagate restore` do on the command line."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from gateway import __version__
from gateway.archives.ownership import give_to_owner_of
from gateway.archives.sealing import demand_secret
from gateway.backup.checking import BackupCheck, check_backup
from gateway.backup.contents import SQLITE_STORE, BackupAbout, Tally
from gateway.backup.databases import step_of_sqlite
from gateway.backup.errors import BackupError
from gateway.backup.files import LastBackup, note_backup, place_for, prune, written_whole
from gateway.backup.making import BackupMaker
from gateway.backup.restoring import Restore, Restored
from gateway.config.settings import Config
from gateway.datafolder import DataFolder, DataFolderError
from gateway.db.errors import StoreUnreachableError
from gateway.db.migrate import current
from gateway.db.reach import driver_errors_in_words
from gateway.kit.clock import SystemClock


async def back_up(
    config: Config, *, target: Path | None, secret: bytes, with_media: bool, keep: int | None
) -> tuple[Path | None, Tally]:
    """Write a backup, read it back, and give where it is; None as target is standard output, which is not read back."""
    demand_secret(secret)
    folder = DataFolder(config.store.data_folder.absolute())
    about_store = await _schema_of(config, folder)
    with _at_rest(folder) as at_rest:
        about = BackupAbout(
            made_at=SystemClock().now(),
            version=__version__,
            schema=about_store,
            store="sqlite" if config.database_url.startswith("sqlite") else "postgresql",
            source_folder=str(folder.path),
            with_media=with_media,
            at_rest=at_rest,
        )
        maker = BackupMaker(folder=folder, database_url=config.database_url, about=about)
        if target is None:
            return None, await asyncio.to_thread(maker.make, cast(BinaryIO, sys.stdout.buffer), secret)
        path = place_for(target, about.made_at)
        tally = await asyncio.to_thread(_write_and_check, maker, path, secret, folder)
    note_backup(folder, LastBackup(at=about.made_at, path=str(path.absolute()), bytes=path.stat().st_size))
    if keep is not None:
        prune(path.parent, keep=keep)
    return path, tally


async def verify(file: Path, *, secret: bytes) -> BackupCheck:
    """Read a backup and look at everything in it."""
    with _opened(file) as source:
        return await asyncio.to_thread(check_backup, source, secret)


async def restore(config: Config, *, file: Path, into: Path | None, secret: bytes, force_sessions: bool) -> Restored:
    """Make a data folder, and with PostgreSQL a database, of a backup."""
    folder = (into or config.store.data_folder).absolute()
    with _opened(file) as source:
        work = Restore(folder=folder, database_url=config.database_url, force_sessions=force_sessions)
        return await work.run(source, secret)


def _write_and_check(maker: BackupMaker, path: Path, secret: bytes, folder: DataFolder) -> Tally:
    with written_whole(path) as (opened, _):
        tally = maker.make(opened, secret)
        opened.flush()
        os.fsync(opened.fileno())
        opened.seek(0)
        check_backup(opened, secret, scratch=folder.path)
    return tally


async def _schema_of(config: Config, folder: DataFolder) -> str:
    if not (folder.path / "wagate.json").exists():
        raise BackupError(f"{folder.path} is no data folder of wagate: there is nothing to back up")
    if config.database_url.startswith("sqlite"):
        step = step_of_sqlite(folder.path / SQLITE_STORE)
    else:
        step = await _step_of_postgres(config.database_url)
    if step is None:
        raise BackupError("the store is empty: there is nothing to back up")
    return step


async def _step_of_postgres(url: str) -> str | None:
    try:
        with driver_errors_in_words():
            return await current(url)
    except StoreUnreachableError as error:
        raise BackupError(f"the store cannot be opened: {error}") from error


@contextmanager
def _at_rest(folder: DataFolder) -> Iterator[bool]:
    """Keep a gateway from starting while the block lasts, if none is running."""
    try:
        folder.lock()
    except DataFolderError:
        yield False
        return
    give_to_owner_of(folder.path, folder.path / "lock")
    try:
        yield True
    finally:
        folder.unlock()


@contextmanager
def _opened(file: Path) -> Iterator[BinaryIO]:
    try:
        with sys.stdin.buffer if str(file) == "-" else file.open("rb") as source:
            yield cast(BinaryIO, source)
    except OSError as error:
        if error.filename == str(file):
            raise BackupError(f"{file} cannot be read: {error.strerror}") from error
        raise
