"""Copies a session's keys beside its worker, and tells one copy from another. Nothing here writes to the original."""

from __future__ import annotations

import fcntl
import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from sessions.errors import StoreError
from sessions.keystore import KEY_STORE_NAME, LOCK_NAME

JOURNAL_NAME = "journal"
_BUSY_SECONDS = 10.0


@contextmanager
def kept_at_rest(folder: Path) -> Iterator[bool]:
    """Give whether no worker holds the folder; then none can begin either while the block lasts.

    Keys that were copied at rest are those of their last use. Keys of a running worker are old in a moment.
    """
    path = folder / LOCK_NAME
    if not path.exists():
        yield True
        return
    with path.open("r+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def copy_keys(folder: Path, target: Path) -> bool:
    """Copy the key store as it stands at one moment, what is still in its log included; False when there is none."""
    source = folder / KEY_STORE_NAME
    if not source.exists() or source.stat().st_size == 0:
        return False
    copy_database(source, target)
    return True


def copy_database(source: Path, target: Path) -> None:
    """Copy a SQLite file that others may be writing to, through SQLite's own online backup."""
    try:
        with closing(_open_to_read(source)) as original, closing(sqlite3.connect(target)) as copy:
            copy.execute("PRAGMA synchronous=OFF")  # whoever keeps the copy makes it durable
            original.backup(copy)
    except sqlite3.Error as error:
        raise StoreError(f"{source.name} cannot be copied: {error}") from error


def fingerprint(keys: Path) -> str:
    """What tells two states of a key store apart: they have the same fingerprint exactly when no key has moved on."""
    digest = hashlib.sha256()
    try:
        with closing(_open_to_read(keys)) as opened:
            for line in opened.iterdump():
                digest.update(line.encode())
    except sqlite3.Error as error:
        raise StoreError("The session's key store cannot be read.") from error
    return digest.hexdigest()


def damage_in(path: Path) -> str | None:
    """What SQLite says of a closed file's integrity; None when it is whole."""
    try:
        with closing(sqlite3.connect(path)) as opened:
            for check in ("integrity_check", "foreign_key_check"):
                rows = opened.execute(f"PRAGMA {check}").fetchmany(1)
                if rows and rows != [("ok",)]:
                    return f"{check}: {rows[0][0]}"
    except sqlite3.Error as error:
        return str(error)
    return None


def _open_to_read(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=_BUSY_SECONDS)
