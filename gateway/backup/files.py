"""Backups as files: how they are called, how they come to be whole or not at all, and which ones go."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from gateway.archives.ownership import give_to_owner_of
from gateway.backup.errors import BackupError
from gateway.datafolder import DataFolder

SUFFIX: Final = ".wagate-backup"
_PARTIAL: Final = ".partial"
_RECORD: Final = "last-backup.json"


class LastBackup(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the newest backup, for who looks after the gateway."""

    at: datetime
    path: str
    bytes: int


def place_for(target: Path, at: datetime) -> Path:
    """The file to write: the target itself, or a name with the time in it where the target is a folder."""
    return target / f"wagate-{at:%Y%m%dT%H%M%SZ}{SUFFIX}" if target.is_dir() else target


@contextmanager
def written_whole(path: Path) -> Iterator[tuple[BinaryIO, Path]]:
    """A file that gets its name when the block has come to its end, and goes when it has not."""
    partial = path.with_name(path.name + _PARTIAL)
    try:
        descriptor = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError as error:
        raise BackupError(f"{partial} cannot be written: {error.strerror}") from error
    try:
        with os.fdopen(descriptor, "w+b") as opened:
            yield opened, partial
        partial.rename(path)
        _sync(path.parent)
    except OSError as error:
        raise BackupError(f"{error.filename or partial}: {error.strerror}") from error
    finally:
        partial.unlink(missing_ok=True)


def prune(folder: Path, *, keep: int) -> int:
    """Delete all backups in a folder but the newest; give how many went. Names sort by time."""
    found = sorted(folder.glob(f"wagate-*{SUFFIX}"), reverse=True)
    for old in found[keep:]:
        old.unlink()
    return len(found[keep:])


def note_backup(folder: DataFolder, backup: LastBackup) -> None:
    """Keep what is known of the newest backup."""
    path = folder.path / _RECORD
    partial = path.with_suffix(".new")
    partial.write_bytes(msgspec.json.encode(backup))
    give_to_owner_of(folder.path, partial)
    partial.replace(path)


def last_backup(folder: DataFolder) -> LastBackup | None:
    """The newest backup that was made here; None when there is none, or nobody can tell."""
    try:
        return msgspec.json.decode((folder.path / _RECORD).read_bytes(), type=LastBackup)
    except (OSError, msgspec.DecodeError):
        return None


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
