"""Looks into a session's key store from outside its worker, without ever writing to it."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from urllib.parse import quote

from sessions.errors import StoreError

KEY_STORE_NAME = "keys.db"
_BUSY_SECONDS = 5.0
_NO_SUCH_TABLE = "no such table"


def find_message_id(folder: Path, secret: bytes) -> str | None:
    """The WhatsApp id filed under a message's secret; None if no message with it ever reached the wire."""
    row = _one(folder, "SELECT message_id FROM whatsmeow_message_secrets WHERE key = ?", (secret,))
    return str(row[0]) if row is not None else None


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
