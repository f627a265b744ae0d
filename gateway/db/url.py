"""Addresses of stores."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from gateway.db.errors import DatabaseUrlError


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
