"""Opens the store that an address names."""

from __future__ import annotations

import random

from gateway.db.postgres import PostgresDatabase
from gateway.db.sqlite import SqliteDatabase
from gateway.db.url import parse_url, sqlite_path

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
