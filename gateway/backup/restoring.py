"""Makes a data folder of a backup: beside its place at first, and moved there when everything is whole."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from gateway.archives.ownership import give_to_owner_of
from gateway.backup import contents, databases
from gateway.backup.aftermath import Aftermath, Settled
from gateway.backup.checking import BackupCheck
from gateway.backup.contents import BackupAbout
from gateway.backup.errors import BackupError
from gateway.backup.freshness import stale_sessions
from gateway.datafolder import DataFolder, DataFolderError
from gateway.db.migrate import current, knows, upgrade

STAGING_SUFFIX = ".restoring"


@dataclass(frozen=True, kw_only=True)
class Restored:
    """What a restore has done."""

    about: BackupAbout
    sessions: int
    unlinked: int  #: sessions whose phones must be linked again
    paused: int  #: queues that wait for a person


class Restore:
    """One restore into a folder that is not there yet, or empty; with PostgreSQL into an empty database, too."""

    def __init__(self, *, folder: Path, database_url: str, force_sessions: bool) -> None:
        self._folder = folder
        self._database_url = database_url
        self._force_sessions = force_sessions
        self._staging = folder.with_name(f"{folder.name}{STAGING_SUFFIX}")

    async def run(self, source: BinaryIO, secret: bytes) -> Restored:
        """All of it or nothing; raises BackupError or ArchiveError."""
        self._demand_room()
        shutil.rmtree(self._staging, ignore_errors=True)  # of a restore that was cut short
        try:
            return await self._run(source, secret)
        except OSError as error:
            raise BackupError(f"{error.filename or self._staging}: {error.strerror}. Nothing was changed") from error
        finally:
            shutil.rmtree(self._staging, ignore_errors=True)

    async def _run(self, source: BinaryIO, secret: bytes) -> Restored:
        check = BackupCheck(source, secret, keep=True)
        self._demand_known(check.about)
        await self._demand_empty_store(check.about)
        self._make_staging()
        check.run(self._staging)
        url = await self._settle_store(check.about)
        stale = set() if self._force_sessions else stale_sessions(check.about, check.kept)
        settled = await Aftermath(url=url).settle(was_at_rest=check.about.at_rest, stale=stale)
        self._drop_keys(stale)
        self._put_in_place()
        return _summary(check, settled)

    def _demand_room(self) -> None:
        if not self._folder.exists():
            return
        try:
            self._demand_unused()
            filled = any(entry.name != "lock" for entry in self._folder.iterdir())
        except OSError as error:
            raise BackupError(f"{self._folder} cannot be used: {error.strerror}") from error
        if filled:
            raise BackupError(
                f"{self._folder} is not empty; move it away, or name another folder with --into. Nothing was changed"
            )

    def _demand_unused(self) -> None:
        if not (self._folder / "lock").exists():
            return
        claimed = DataFolder(self._folder)
        try:
            claimed.lock()
        except DataFolderError as error:
            raise BackupError(f"{error}; stop it first") from error
        claimed.unlock()

    def _demand_known(self, about: BackupAbout) -> None:
        if not knows(about.schema):
            raise BackupError(
                f"the backup was made by wagate {about.version}, whose schema {about.schema} this version does not "
                "know; use that version, or a later one"
            )
        uses_postgres = not self._database_url.startswith("sqlite")
        if uses_postgres != (about.store == "postgresql"):
            raise BackupError(
                f"the backup holds a {about.store} store and the settings name another kind; set store.url accordingly"
            )

    async def _demand_empty_store(self, about: BackupAbout) -> None:
        if about.store == "postgresql" and await current(self._database_url) is not None:
            raise BackupError("the database that store.url names is not empty; name an empty one. Nothing was changed")

    def _make_staging(self) -> None:
        try:
            self._staging.mkdir(mode=0o700, parents=True)
        except OSError as error:
            raise BackupError(
                f"{self._staging} cannot be made: {error.strerror}; restore as a user who may write to "
                f"{self._staging.parent}"
            ) from error

    async def _settle_store(self, about: BackupAbout) -> str:
        """Where the restored store is, brought up to date."""
        url = self._database_url
        if about.store == "postgresql":
            dump = self._staging / contents.POSTGRES_STORE
            databases.load_postgres(url, dump)
            dump.unlink()
        else:
            url = f"sqlite:///{self._staging / contents.SQLITE_STORE}"
        await upgrade(url)
        return url

    def _drop_keys(self, stale: set[str]) -> None:
        for session_id in stale:
            shutil.rmtree(self._staging / contents.SESSIONS_FOLDER / session_id)

    def _put_in_place(self) -> None:
        # It belongs to whom the place belongs to, or will.
        give_to_owner_of(self._folder if self._folder.exists() else self._folder.parent, self._staging)
        try:
            (self._folder / "lock").unlink(missing_ok=True)
            self._staging.rename(self._folder)
        except OSError as error:
            raise BackupError(
                f"{self._folder} cannot take the place of what was restored: {error.strerror}; restore into a folder "
                "that does not exist yet"
            ) from error
        _sync(self._folder.parent)


def _summary(check: BackupCheck, settled: Settled) -> Restored:
    return Restored(about=check.about, sessions=len(check.kept), unlinked=settled.unlinked, paused=settled.paused)


def _sync(folder: Path) -> None:
    """The new name must survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
