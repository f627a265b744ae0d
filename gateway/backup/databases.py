"""Copies of the store: SQLite's by its own online backup, PostgreSQL's by its own tools."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from gateway.backup.errors import BackupError
from gateway.db.url import parse_url
from sessions.errors import StoreError
from sessions.keycopy import copy_database

_LIKELY_FOLDERS = "/usr/lib/postgresql/*/bin"


def snapshot_sqlite(source: Path, target: Path) -> None:
    """The database as it stands at one moment, while others read and write it."""
    if not source.exists():
        raise BackupError(f"{source} does not exist: there is nothing to back up")
    free = shutil.disk_usage(target.parent).free
    if source.stat().st_size > free:
        raise BackupError(f"a copy of {source.name} needs {source.stat().st_size >> 20} MiB, {free >> 20} are free")
    try:
        copy_database(source, target)
    except StoreError as error:
        raise BackupError(str(error)) from error


def step_of_sqlite(path: Path) -> str | None:
    """The step at which a database stands, read without keeping any writer waiting; None for an empty one."""
    if not path.exists():
        return None
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as opened:
            row = opened.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.Error as error:
        if "no such table" in str(error):
            return None
        raise BackupError(f"the store cannot be opened: {error}") from error
    return None if row is None else str(row[0])


def dump_postgres(url: str, target: Path) -> None:
    """The database as it stands at one moment, by pg_dump."""
    _run(["pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={target}"], url)


def load_postgres(url: str, dump: Path) -> None:
    """Fill an empty database from a dump: all of it, or nothing."""
    _run(
        [
            *("pg_restore", "--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error"),
            *(f"--dbname={parse_url(url).database}", str(dump)),
        ],
        url,
    )


def _run(command: Sequence[str], url: str) -> None:
    parsed = parse_url(url)
    program = _find(command[0])
    # Passwords go by the environment: arguments can be seen by everybody on the machine.
    settings = {"PGHOST": parsed.host, "PGPORT": parsed.port, "PGUSER": parsed.username, "PGDATABASE": parsed.database}
    environment = os.environ | {name: str(value) for name, value in settings.items() if value}
    if parsed.password:
        environment["PGPASSWORD"] = str(parsed.password)
    done = subprocess.run([program, *command[1:]], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"ended with {done.returncode}"]
        raise BackupError(f"{command[0]} failed: {said[0]}")


def _find(name: str) -> str:
    """The program, of the newest PostgreSQL that is installed."""
    in_path = shutil.which(name)
    if in_path is not None:
        return in_path
    found = sorted(Path("/").glob(f"{_LIKELY_FOLDERS[1:]}/{name}"), key=lambda path: float(path.parts[-3]))
    if not found:
        raise BackupError(f"{name} is needed to do this with PostgreSQL; install it: apt install postgresql-client")
    return str(found[-1])
