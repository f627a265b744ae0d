"""Makes a backup beside a running gateway: one stream, in an order in which nothing falls between two parts.

Journals and keys come first, then the store, then media. What a phone reported before is in the store or in its journal;
if it is in both, the store knows that it has it already. And a file lies on its shelf before a row names it.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import BinaryIO

import msgspec

from gateway.archives.archive import ArchiveWriter
from gateway.backup import contents, databases
from gateway.backup.contents import BackupAbout, KeptSession, KeptSessions, Tally
from gateway.backup.errors import BackupError
from gateway.datafolder import DataFolder
from sessions.errors import StoreError
from sessions.keycopy import JOURNAL_NAME, copy_keys, fingerprint, kept_at_rest
from sessions.keystore import KEY_STORE_NAME

#: Working copies lie here for a moment, in the data folder: they are as secret as what they are copies of.
SCRATCH_PREFIX = ".backup-"


class BackupMaker:
    """Reads a data folder and its store, and writes them into one archive. Takes time: run it in a thread."""

    def __init__(self, *, folder: DataFolder, database_url: str, about: BackupAbout) -> None:
        self._folder = folder
        self._database_url = database_url
        self._about = about
        self._tally = Tally()

    def make(self, target: BinaryIO, secret: bytes) -> Tally:
        """Write the archive; the target stays open."""
        archive = ArchiveWriter(target, secret, about=self._about)
        with tempfile.TemporaryDirectory(prefix=SCRATCH_PREFIX, dir=self._folder.path) as scratch:
            kept = self._add_sessions(archive, Path(scratch))
            archive.add_bytes(contents.KEPT_SESSIONS, msgspec.json.encode(kept))
            self._add_store(archive, Path(scratch))
        for name in (contents.VAULT_KEY, contents.MARKER):
            self._add_file(archive, name, self._folder.path / name)
        if self._about.with_media:
            self._add_media(archive)
        archive.finish()
        return self._tally

    def _add_sessions(self, archive: ArchiveWriter, scratch: Path) -> KeptSessions:
        kept: KeptSessions = {}
        for folder in sorted(self._folder.sessions.glob("*")):
            if folder.is_dir():
                session = self._add_session(archive, folder, scratch / KEY_STORE_NAME)
                if session is not None:
                    kept[folder.name] = session
        return kept

    def _add_session(self, archive: ArchiveWriter, folder: Path, copy: Path) -> KeptSession | None:
        inside = f"{contents.SESSIONS_FOLDER}{folder.name}"
        with kept_at_rest(folder) as at_rest:
            self._add_file(archive, f"{inside}/{JOURNAL_NAME}", folder / JOURNAL_NAME)
            try:
                if not copy_keys(folder, copy):
                    return None
                session = KeptSession(at_rest=at_rest, fingerprint=fingerprint(copy))
            except StoreError as error:
                raise BackupError(f"{folder}: {error}") from error
        self._add_file(archive, f"{inside}/{KEY_STORE_NAME}", copy)
        copy.unlink()
        self._tally.sessions += 1
        self._tally.sessions_in_use += not at_rest
        return session

    def _add_store(self, archive: ArchiveWriter, scratch: Path) -> None:
        if self._about.store == "postgresql":
            name = contents.POSTGRES_STORE
            databases.dump_postgres(self._database_url, scratch / name)
        else:
            name = contents.SQLITE_STORE
            databases.snapshot_sqlite(self._folder.path / name, scratch / name)
        self._add_file(archive, name, scratch / name)

    def _add_media(self, archive: ArchiveWriter) -> None:
        for file in sorted(self._folder.media.rglob("*")):
            if file.is_file():
                self._add_file(archive, file.relative_to(self._folder.path).as_posix(), file)
                self._tally.files += 1

    def _add_file(self, archive: ArchiveWriter, name: str, path: Path) -> None:
        """A file as long as it is now: what grows meanwhile is left out, what is gone was nobody's."""
        try:
            opened = path.open("rb")
        except FileNotFoundError:
            return
        with opened:
            size = path.stat().st_size if not opened.seekable() else opened.seek(0, 2)
            opened.seek(0)
            archive.add(name, opened, size)
        self._tally.bytes += size
