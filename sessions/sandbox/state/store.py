"""The loopback WhatsApp's memory: one SQLite file that survives restarts and kills."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

_SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (
    space TEXT NOT NULL, key TEXT NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (space, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS prekeys (
    device TEXT NOT NULL, id INTEGER NOT NULL, public BLOB NOT NULL,
    PRIMARY KEY (device, id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS queue (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, device TEXT NOT NULL, stanza BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS queue_by_device ON queue (device, sequence);
CREATE TABLE IF NOT EXISTS sent (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, device TEXT NOT NULL, id TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS sent_by_device ON sent (device, sequence);
"""
# Bigger than SQLite's default, so that the file is seldom brought up to date while messages flow.
_CHECKPOINT_PAGES = 4000


class QueuedStanza(NamedTuple):
    """One stanza that its device has not acknowledged yet, as the store holds it."""

    sequence: int
    stanza: bytes


class Store:
    """Everything that must outlive the process.

    Writes are visible at once and durable after :meth:`commit`; the service commits before it answers a stanza.
    One thread uses it: SQLite in WAL mode writes a message in some ten microseconds.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
        self._db = sqlite3.connect(path, isolation_level=None, timeout=5.0, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")
        self._db.executescript(_SCHEMA)

    def space(self, name: str) -> Space:
        """A named set of documents."""
        return Space(self, name)

    def commit(self) -> None:
        """Make all writes so far durable."""
        if self._db.in_transaction:
            self._db.execute("COMMIT")

    def close(self) -> None:
        """Commit and let go of the file."""
        self.commit()
        self._db.close()

    def write(self, statement: str, *values: object) -> int:
        """Run one writing statement inside the open transaction; return the id of the row it made."""
        self._begin()
        return self._db.execute(statement, values).lastrowid or 0

    def write_many(self, statement: str, rows: Iterable[tuple[object, ...]]) -> None:
        """Run one writing statement once per row."""
        self._begin()
        self._db.executemany(statement, rows)

    def read(self, statement: str, *values: object) -> Iterator[tuple[object, ...]]:
        """Rows of a query."""
        return self._db.execute(statement, values)

    def add_prekeys(self, device: str, keys: Iterable[tuple[int, bytes]]) -> None:
        """Keep one-time keys of a device; a key with a known id replaces it."""
        self.write_many("INSERT OR REPLACE INTO prekeys VALUES (?, ?, ?)", [(device, *key) for key in keys])

    def remove_prekeys(self, device: str, ids: Iterable[int]) -> None:
        """Forget one-time keys that were handed out."""
        self.write_many("DELETE FROM prekeys WHERE device = ? AND id = ?", [(device, key) for key in ids])

    def prekeys(self, device: str) -> list[tuple[int, bytes]]:
        """The one-time keys of a device, in order of their ids."""
        rows = self._db.execute("SELECT id, public FROM prekeys WHERE device = ? ORDER BY id", (device,))
        return [(key, public) for key, public in rows]

    def enqueue(self, device: str, stanza: bytes) -> int:
        """Keep a stanza until its device acknowledges it."""
        return self.write("INSERT INTO queue (device, stanza) VALUES (?, ?)", device, stanza)

    def dequeue(self, sequences: Iterable[int]) -> None:
        """Forget stanzas that were acknowledged."""
        self.write_many("DELETE FROM queue WHERE sequence = ?", [(sequence,) for sequence in sequences])

    def queue(self, device: str) -> list[QueuedStanza]:
        """The unacknowledged stanzas of a device, oldest first."""
        rows = self._db.execute("SELECT sequence, stanza FROM queue WHERE device = ? ORDER BY sequence", (device,))
        return [QueuedStanza(sequence, stanza) for sequence, stanza in rows]

    def add_sent_id(self, device: str, message_id: str) -> None:
        """Remember that a device has sent this message."""
        self.write("INSERT INTO sent (device, id) VALUES (?, ?)", device, message_id)

    def sent_ids(self, device: str, limit: int) -> list[str]:
        """The ids of the newest messages of a device, oldest first; older ones are forgotten."""
        newest = "SELECT sequence, id FROM sent WHERE device = ? ORDER BY sequence DESC LIMIT ?"
        rows = list(self._db.execute(newest, (device, limit)))
        if rows:
            self.write("DELETE FROM sent WHERE device = ? AND sequence < ?", device, rows[-1][0])
        return [message_id for _, message_id in reversed(rows)]

    def forget_device(self, device: str) -> None:
        """Drop the keys and the queue of a device that is no longer linked."""
        self.write("DELETE FROM prekeys WHERE device = ?", device)
        self.write("DELETE FROM queue WHERE device = ?", device)
        self.write("DELETE FROM sent WHERE device = ?", device)

    def _begin(self) -> None:
        if not self._db.in_transaction:
            self._db.execute("BEGIN IMMEDIATE")


class Space:
    """A named set of documents inside the store: bytes under text keys."""

    def __init__(self, store: Store, name: str) -> None:
        self._store = store
        self._name = name

    def put(self, key: str, body: bytes) -> None:
        """Keep a document, in place of the one under this key."""
        self._store.write("INSERT OR REPLACE INTO documents VALUES (?, ?, ?)", self._name, key, body)

    def get(self, key: str) -> bytes | None:
        """The document under this key."""
        for (body,) in self._store.read("SELECT body FROM documents WHERE space = ? AND key = ?", self._name, key):
            return body if isinstance(body, bytes) else None
        return None

    def delete(self, key: str) -> None:
        """Forget the document under this key."""
        self._store.write("DELETE FROM documents WHERE space = ? AND key = ?", self._name, key)

    def items(self) -> list[tuple[str, bytes]]:
        """Every document with its key, in order of the keys."""
        rows = self._store.read("SELECT key, body FROM documents WHERE space = ? ORDER BY key", self._name)
        return [(str(key), bytes(body)) for key, body in rows]  # type: ignore[call-overload]
