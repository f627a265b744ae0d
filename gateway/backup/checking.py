"""Reads a backup from the front to the end and looks at everything in it, as a restore would."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final

import msgspec

from gateway.archives.archive import ArchiveReader, Source
from gateway.archives.errors import ArchiveDamagedError
from gateway.backup import contents
from gateway.backup.contents import BackupAbout, KeptSessions, Tally
from sessions import keycopy
from sessions.keystore import KEY_STORE_NAME

_COPY_BYTES: Final = 1024 * 1024


class BackupCheck:
    """One reading of one backup. ``kept`` and ``tally`` are whole when :meth:`run` has returned."""

    def __init__(self, source: BinaryIO, secret: bytes, *, keep: bool) -> None:
        self._keep = keep
        self._reader = ArchiveReader(source, secret)
        self.about = self._reader.about(BackupAbout)
        self.kept: KeptSessions = {}
        self.tally = Tally()
        self._names: set[str] = set()

    def run(self, into: Path) -> None:
        """Unpack into a folder, looking at each file; raises ArchiveDamagedError. What is not kept goes at once."""
        for name, source in self._reader.entries():
            self._names.add(name)
            if name == contents.KEPT_SESSIONS:
                self.kept = msgspec.json.decode(_all_of(source), type=KeptSessions)
                continue
            path = into / name
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._look_at(name, path, digest=self._unpack(source, path))
            if not self._keep:
                path.unlink()
        self._demand_everything()
        self.tally.sessions = len(self.kept)
        self.tally.sessions_in_use = sum(not session.at_rest for session in self.kept.values())

    def _unpack(self, source: Source, path: Path) -> str:
        """Write the file; give its SHA-256."""
        digest = hashlib.sha256()
        with path.open("wb") as target:
            while piece := source.read(_COPY_BYTES):
                digest.update(piece)
                target.write(piece)
                self.tally.bytes += len(piece)
            target.flush()
            if self._keep:
                os.fsync(target.fileno())
        return digest.hexdigest()

    def _look_at(self, name: str, path: Path, *, digest: str) -> None:
        if name == contents.SQLITE_STORE or name.endswith(f"/{KEY_STORE_NAME}"):
            problem = keycopy.damage_in(path)
            if problem is not None:
                raise ArchiveDamagedError(f"{name} in the archive is no whole database: {problem}")
        if name.startswith(contents.MEDIA_FOLDER):
            self.tally.files += 1
            if digest != PurePosixPath(name).name:
                raise ArchiveDamagedError(f"{name} in the archive is not what its name says.")

    def _demand_everything(self) -> None:
        store = contents.POSTGRES_STORE if self.about.store == "postgresql" else contents.SQLITE_STORE
        keys = {f"{contents.SESSIONS_FOLDER}{session}/{KEY_STORE_NAME}" for session in self.kept}
        missing = {store, contents.MARKER, contents.KEPT_SESSIONS, *keys} - self._names
        if missing:
            raise ArchiveDamagedError(f"{min(missing)} is missing in the archive.")


def check_backup(source: BinaryIO, secret: bytes, *, scratch: Path | None = None) -> BackupCheck:
    """Look at everything and keep nothing. Unpacked keys lie in ``scratch`` for a moment, readable by nobody else."""
    with tempfile.TemporaryDirectory(prefix=".backup-", dir=scratch) as folder:
        check = BackupCheck(source, secret, keep=False)
        check.run(Path(folder))
    return check


def _all_of(source: Source) -> bytes:
    pieces = []
    while piece := source.read(_COPY_BYTES):
        pieces.append(piece)
    return b"".join(pieces)
