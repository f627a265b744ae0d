"""Looks into a session's key store from outside its worker, without ever writing to it."""

from __future__ import annotations

import fcntl
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from sessions.errors import StoreError

KEY_STORE_NAME = "keys.db"
LOCK_NAME = "lock"
_BUSY_SECONDS = 5.0
_LOCK_POLL_SECONDS = 0.05
_NO_SUCH_TABLE = "no such table"


def find_message_id(folder: Path, secret: bytes) -> str | None:
    """The WhatsApp id filed under a message's secret; None if no message with it ever reached the wire.

    Unlinking deletes what was filed, so a store without its device proves nothing: StoreError.
    """
    row = _one(folder, "SELECT message_id FROM whatsmeow_message_secrets WHERE key = ?", (secret,))
    if row is not None:
        return str(row[0])
    if not is_paired(folder):
        raise StoreError("The session's keys are gone, and with them what they could prove.")
    return None


def find_message_id_when_free(folder: Path, secret: bytes, *, patience_seconds: float) -> str | None:
    """The same, once no worker holds the folder. Only then is None a proof: a worker may be about to write.

    The worker of a daemon that was killed finishes what is under way, which may take it some seconds.
    """
    with _held(folder, patience_seconds):
        return find_message_id(folder, secret)


@contextmanager
def _held(folder: Path, patience_seconds: float) -> Iterator[None]:
    path = folder / LOCK_NAME
    if not path.exists():
        yield
        return
    deadline = time.monotonic() + patience_seconds
    with path.open("r+") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() > deadline:
                    raise StoreError("Another process holds the session's key store.") from error
                time.sleep(_LOCK_POLL_SECONDS)
        yield


def find_push_name(folder: Path) -> str | None:
    """The name that the linked account gave itself, as far as the phone has shared it."""
    row = _one(folder, "SELECT push_name FROM whatsmeow_device LIMIT 1", ())
    return str(row[0]) or None if row is not None and row[0] is not None else None


def is_paired(folder: Path) -> bool:
    """Whether a phone is linked, as far as the key store knows."""
    return _one(folder, "SELECT 1 FROM whatsmeow_device LIMIT 1", ()) is not None


def _one(folder: Path, query: str, parameters: tuple[bytes, ...]) -> tuple[object, ...] | None:
    path = folder / KEY_STORE_NAME
    if not path.exists() or path.stat().st_size == 0:
        return None
    try:
        connection = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=_BUSY_SECONDS)
        try:
            row: tuple[object, ...] | None = connection.execute(query, parameters).fetchone()
            return row
        finally:
            connection.close()
    except sqlite3.Error as error:
        # A store without its tables was never used: nothing was sent and nobody is linked.
        if _NO_SUCH_TABLE in str(error):
            return None
        raise StoreError("The session's key store cannot be read.") from error
