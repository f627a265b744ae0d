"""Opens the store that an address names."""

from __future__ import annotations

import random
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from gateway.db.errors import DatabaseUrlError
from gateway.db.postgres import PostgresDatabase
from gateway.db.sqlite import SqliteDatabase

AnyDatabase = SqliteDatabase | PostgresDatabase


async def open_database(
    url: str,
    *,
    guest: bool = False,
    pool_size: int = 10,
    batch_limit: int = 128,
    queue_limit: int = 20_000,
) -> AnyDatabase:
    """Open ``sqlite:///<file>`` or ``postgresql://user:password@host/name``.

    ``guest`` marks a short visit of a command beside a running daemon. The schema is :mod:`gateway.db.migrate`'s.
    """
    parsed = parse_url(url)
    if parsed.get_backend_name() == "sqlite":
        return await SqliteDatabase.open(
            sqlite_path(parsed), guest=guest, batch_limit=batch_limit, queue_limit=queue_limit
        )
    return await PostgresDatabase.open(
        parsed.render_as_string(hide_password=False), pool_size=pool_size, chance=random.Random()
    )


def parse_url(url: str) -> URL:
    """The address with the driver we use for it; raises DatabaseUrlError in words."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise DatabaseUrlError(
            "the database address must look like sqlite:///file or postgresql://host/name"
        ) from error
    backend = parsed.get_backend_name()
    if backend == "postgresql":
        return parsed.set(drivername="postgresql+asyncpg")
    if backend == "sqlite" and parsed.database not in (None, "", ":memory:"):
        return parsed.set(drivername="sqlite")
    raise DatabaseUrlError("only sqlite:///file and postgresql://host/name are supported")


def sqlite_path(parsed: URL) -> Path:
    """The file behind a SQLite address."""
    assert parsed.database is not None, "parse_url refuses addresses without a file"
    return Path(parsed.database)
