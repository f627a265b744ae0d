"""Works on a store in a process whose disk fails: ``python store_work.py WHAT FOLDER COUNT``."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import sqlite3
import struct
import sys
from pathlib import Path

import structlog
from sqlalchemy import text

from gateway.db.errors import StoreFailedError
from gateway.db.sqlite import SqliteDatabase
from gateway.db.tx import Tx

_WRITES = 8


async def fail_each_write(folder: Path, count: int, error: int) -> list[str]:
    """Fail the first write, then in a new file the second, and so on; gives what was wrong afterwards."""
    wrong: list[str] = []
    for number in range(1, count + 1):
        path = folder / f"{number}.db"
        store = await SqliteDatabase.open(path)
        await store.write(_make_table)
        _fail(at=number, error=error, stays=error == errno.ENOSPC)
        kept = [row for row in range(_WRITES) if await _is_kept(store, row)]
        _fail(at=0)
        recovered = await _is_kept(store, _WRITES)
        await store.close()
        if not recovered:
            wrong.append(f"write {number}: nothing could be stored afterwards")
        wrong += [f"write {number}: {problem}" for problem in problems(path, kept)]
        path.unlink()
    return wrong


async def write_steadily(folder: Path, count: int) -> None:
    """Store rows, several at once, and note each in ``acks`` when the store has said that it is kept."""
    acks = os.open(folder / "acks", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    store = await SqliteDatabase.open(folder / "store.db")
    await store.write(_make_table)
    os.write(acks, b"ready\n")

    async def one(row: int) -> None:
        await store.write(lambda tx: _insert(tx, row))
        os.write(acks, f"{row}\n".encode())

    for first in range(0, count, 4):
        await asyncio.gather(*(one(row) for row in range(first, min(first + first % 3 + 1, count))))
    await store.close()


def problems(path: Path, kept: list[int]) -> list[str]:
    """What is wrong with a store that has promised to keep these rows."""
    connection = sqlite3.connect(path)
    try:
        (verdict,) = connection.execute("PRAGMA integrity_check").fetchone()
        rows = {row for (row,) in connection.execute("SELECT id FROM kept")}
    except sqlite3.DatabaseError as error:
        return [f"unreadable: {error}"]
    finally:
        connection.close()
    lost = [row for row in kept if row not in rows]
    return ([] if verdict == "ok" else [verdict]) + ([f"lost {lost}"] if lost else [])


def _fail(*, at: int, error: int = 0, stays: bool = False) -> None:
    """Steer the disk from inside; see ``faults.c`` for what the file holds."""
    with Path(os.environ["FAULTS_CONTROL"]).open("r+b") as control:
        control.write(struct.pack("=3q", at, error, stays))


async def _is_kept(store: SqliteDatabase, row: int) -> bool:
    try:
        await store.write(lambda tx: _insert(tx, row))
    except StoreFailedError:
        return False
    return True


def _make_table(tx: Tx) -> None:
    tx.execute(text("CREATE TABLE kept (id INTEGER PRIMARY KEY, body TEXT)"))


def _insert(tx: Tx, row: int) -> None:
    tx.execute(text("INSERT INTO kept VALUES (:id, :body)"), {"id": row, "body": str(row) * 700})


def main() -> None:
    structlog.configure(processors=[lambda _, __, event: ""], logger_factory=structlog.ReturnLoggerFactory())
    what, folder, count = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    if what == "steady":
        asyncio.run(write_steadily(folder, count))
    else:
        error = {"eio": errno.EIO, "full": errno.ENOSPC, "read-only": errno.EROFS}[what]
        print(json.dumps(asyncio.run(fail_each_write(folder, count, error))))  # noqa: T201


if __name__ == "__main__":
    main()
