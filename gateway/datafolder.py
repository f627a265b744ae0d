"""The data folder: what lies where, whose it is, and that only one daemon uses it."""

from __future__ import annotations

import fcntl
import json
import os
from enum import StrEnum
from pathlib import Path
from typing import IO


class FolderKind(StrEnum):
    """Whether the phones in a folder are real ones. The two are never mixed."""

    PRODUCTION = "production"
    SANDBOX = "sandbox"


class DataFolderError(Exception):
    """The data folder cannot be used; the text is one sentence for the operator."""


class DataFolder:
    """A folder with a marker file that says what kind of phones it belongs to."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: IO[str] | None = None

    @property
    def sessions(self) -> Path:
        """Keys and journals, a folder per session."""
        return self.path / "sessions"

    @property
    def moved(self) -> Path:
        """Keys of phones that have moved to another gateway, kept for a while."""
        return self.path / "moved"

    @property
    def media(self) -> Path:
        return self.path / "media"

    @property
    def copies(self) -> Path:
        """Copies of files that are kept in a bucket; all of it may be deleted at any time."""
        return self.path / "media-copies"

    @property
    def spool(self) -> Path:
        """Files on their way; emptied at every start."""
        return self.path / "spool"

    @property
    def vault_key(self) -> Path:
        """Opens what is sealed in the store; a backup of the store is worth little without it."""
        return self.path / "vault.key"

    @property
    def setup_link(self) -> Path:
        """Holds the one-time set-up link until it is used."""
        return self.path / "setup-link"

    def prepare(self, kind: FolderKind) -> None:
        """Make what is missing and refuse a folder of the other kind."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            for folder in (self.sessions, self.media, self.spool):
                folder.mkdir(mode=0o700, exist_ok=True)
            self._mark(kind)
        except OSError as error:
            raise DataFolderError(f"{self.path} cannot be used as data folder: {error.strerror}") from error

    def lock(self) -> None:
        """Claim the folder for this process until it ends; raises DataFolderError when another one has it."""
        handle = (self.path / "lock").open("a+", encoding="utf-8")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            handle.seek(0)
            holder = handle.read().strip() or "unknown"
            handle.close()
            raise DataFolderError(f"{self.path} is in use by another wagate (process {holder})") from None
        handle.truncate(0)
        handle.write(f"{os.getpid()}\n")
        handle.flush()
        self._lock = handle

    def unlock(self) -> None:
        """Let it go."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def empty_spool(self) -> None:
        """Delete what an earlier run left half-way; only for the holder of the lock."""
        for file in self.spool.iterdir():
            if file.is_file():
                file.unlink()

    def keep_setup_link(self, url: str | None) -> None:
        """Keep the link where only the operator finds it; None when it is of no use any more."""
        if url is None:
            self.setup_link.unlink(missing_ok=True)
        else:
            self.setup_link.touch(mode=0o600)
            self.setup_link.write_text(f"{url}\n", "utf-8")

    def _mark(self, kind: FolderKind) -> None:
        marker = self.path / "wagate.json"
        if not marker.exists():
            marker.write_text(json.dumps({"kind": kind}) + "\n", "utf-8")
            return
        found = _kind_of(marker)
        if found != kind:
            raise DataFolderError(f"{self.path} belongs to a {found} gateway and cannot be used for {kind}")


def _kind_of(marker: Path) -> str:
    try:
        return str(json.loads(marker.read_text("utf-8"))["kind"])
    except (ValueError, KeyError, TypeError):
        raise DataFolderError(f"{marker} is damaged: it should say which kind of gateway the folder is for") from None
