"""Checks of the store: can it be reached, is it of this version, does it answer quickly, is its place good enough."""

from __future__ import annotations

import sqlite3
import time
from typing import Any, Final

from gateway.db.migrate import current, head, on_connection
from gateway.examining.finding import Finding, Subject, advice, fine, wrong

#: A connection to the database; that it is SQLAlchemy's is nobody's business here.
Asked = Any
_OLDEST_SQLITE: Final = (3, 35, 0)
_OLDEST_POSTGRES: Final = 13
_SLOW_SECONDS: Final = 0.05
#: SQLite's write-ahead log needs memory that processes share, which these do not give.
_REMOTE: Final = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "afs", "ceph", "glusterfs"})


async def reach(subject: Subject) -> Finding:
    """The database can be reached and is not ahead of this version."""
    try:
        step = await current(subject.config.database_url) if _exists(subject) else None
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the finding
        first_line = str(getattr(error, "orig", None) or error).partition("\n")[0]
        return wrong("store", f"The store cannot be opened: {first_line}", "Check store.url and the server.")
    if step is None:
        return fine("store", "There is no database yet; `wagate serve` makes it.")
    if step == head():
        return fine("store", f"The database is at schema {step}.")
    return advice("store", f"The database is at schema {step}, this version has {head()}.", "wagate migrate")


async def version(subject: Subject) -> Finding:
    """The database program is new enough."""
    if not _is_sqlite(subject):
        return await _postgres_version(subject)
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        return wrong("store's version", f"SQLite {sqlite3.sqlite_version} is too old.", "Use a newer Python or system.")
    return fine("store's version", f"SQLite {sqlite3.sqlite_version}; one process alone folds its log back.")


async def latency(subject: Subject) -> Finding:
    """The server answers quickly: each message takes several round trips."""
    if _is_sqlite(subject):
        return fine("store's latency", "The store is a file on this machine.")
    try:
        seconds = await on_connection(subject.config.database_url, _round_trip)
    except Exception as error:  # noqa: BLE001 - the check of the store says what it is
        return advice("store's latency", f"It cannot be measured ({type(error).__name__}).", "See the store above.")
    if seconds > _SLOW_SECONDS:
        sentence = f"PostgreSQL takes {seconds * 1000:.0f} ms for a round trip."
        return advice("store's latency", sentence, "Move it nearer; a round trip should take under 50 ms.")
    return fine("store's latency", f"PostgreSQL takes {seconds * 1000:.1f} ms for a round trip.")


async def file_system(subject: Subject) -> Finding:
    """The database lies where SQLite can lock and share memory."""
    if not _is_sqlite(subject):
        return fine("store's place", "PostgreSQL looks after its own files.")
    kind = _kind_of_mount(subject)
    if kind in _REMOTE:
        sentence = f"{subject.folder.path} lies on {kind}, where SQLite's log does not work."
        return wrong("store's place", sentence, "Move store.data_folder to a local disk, or use PostgreSQL.")
    return fine("store's place", f"The data folder lies on {kind or 'a local disk'}.")


def _exists(subject: Subject) -> bool:
    is_own_file = not subject.config.store.url and not subject.config.store.url_file
    return not is_own_file or (subject.folder.path / "wagate.db").exists()


def _is_sqlite(subject: Subject) -> bool:
    return subject.config.database_url.startswith("sqlite")


async def _postgres_version(subject: Subject) -> Finding:
    try:
        number = await on_connection(subject.config.database_url, _version_of)
    except Exception as error:  # noqa: BLE001 - the check of the store says what it is
        return advice("store's version", f"It cannot be asked ({type(error).__name__}).", "See the store above.")
    major = number // 10_000
    if major < _OLDEST_POSTGRES:
        sentence = f"PostgreSQL {major} gets no more fixes, and wagate is not tested with it."
        return advice("store's version", sentence, f"Upgrade to {_OLDEST_POSTGRES} or later.")
    return fine("store's version", f"PostgreSQL {major}.")


def _version_of(connection: Asked) -> int:
    return int(connection.exec_driver_sql("SHOW server_version_num").scalar())


def _round_trip(connection: Asked) -> float:
    """The quickest of three."""
    took = []
    for _ in range(3):
        began = time.perf_counter()
        connection.exec_driver_sql("SELECT 1").scalar()
        took.append(time.perf_counter() - began)
    return min(took)


def _kind_of_mount(subject: Subject) -> str | None:
    """The file system of the longest mount point that the folder lies below."""
    best, kind = "", None
    path = str(subject.folder.path)
    for line in subject.machine.mounts.read_text().splitlines():
        _device, point, found, *_ = line.split()
        below = point == "/" or path == point or path.startswith(f"{point}/")
        if below and len(point) >= len(best):
            best, kind = point, found
    return kind
