"""Brings a database to this version's schema, and refuses one that is ahead of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from gateway.db.errors import DatabaseTooNewError
from gateway.db.sqlite import BUSY_TIMEOUT_SECONDS, prepare_writing
from gateway.db.url import parse_url

T = TypeVar("T")

FOLDER = Path(__file__).parent / "migrations"
#: Names the advisory lock that keeps two hosts on one PostgreSQL from migrating at the same time.
_LOCK_KEY = 7_214_998_113


async def upgrade(url: str) -> None:
    """Apply every step that is missing; raises DatabaseTooNewError for a database of a newer wagate."""
    await on_connection(url, upgrade_connection)


async def current(url: str) -> str | None:
    """The step at which the database stands; None for an empty one."""
    return await on_connection(url, _current)


def head() -> str | None:
    """The last step that this version knows."""
    return ScriptDirectory.from_config(make_config()).get_current_head()


def knows(step: str) -> bool:
    """Whether a step is one of this version's."""
    return step in _steps()


def upgrade_connection(connection: Connection) -> None:
    """Bring the database behind an open connection up to date."""
    refuse_newer(connection)
    command.upgrade(make_config(connection), "head")
    if connection.dialect.name == "sqlite":
        _check_foreign_keys(connection)


def refuse_newer(connection: Connection) -> None:
    """Raise DatabaseTooNewError when the database stands at a step that this version does not have."""
    found = _current(connection)
    if found is not None and found not in _steps():
        raise DatabaseTooNewError(
            f"the database is at schema {found}, which this version of wagate does not know; "
            "run the newer version that made it, or restore a backup"
        )


def _steps() -> set[str]:
    return {script.revision for script in ScriptDirectory.from_config(make_config()).walk_revisions()}


def make_config(connection: Connection | None = None) -> Config:
    """Alembic's settings, made here instead of read from an ini file."""
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    if connection is not None:
        config.attributes["connection"] = connection
    return config


async def on_connection(url: str, work: Callable[[Connection], T]) -> T:
    """Run ``work`` with a plain connection to the database; on SQLite and PostgreSQL it goes the same way."""
    engine = _make_engine(parse_url(url))
    try:
        async with engine.connect() as connection:
            if engine.dialect.name == "postgresql":
                await connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK_KEY})
                await connection.commit()
            return await connection.run_sync(work)
    finally:
        await engine.dispose()  # on PostgreSQL this ends the server's session, and with it the lock


def _make_engine(parsed: URL) -> AsyncEngine:
    if parsed.get_backend_name() != "sqlite":
        return create_async_engine(parsed, hide_parameters=True)
    engine = create_async_engine(
        parsed.set(drivername="sqlite+aiosqlite"),
        hide_parameters=True,
        connect_args={"timeout": BUSY_TIMEOUT_SECONDS},
    )
    prepare_writing(engine.sync_engine, guest=True, foreign_keys=False)
    return engine


def _current(connection: Connection) -> str | None:
    revision: str | None = MigrationContext.configure(connection).get_current_revision()
    connection.rollback()
    return revision


def _check_foreign_keys(connection: Connection) -> None:
    """Steps that rebuild a table run with the checks off, so they are made up for here."""
    broken = connection.execute(text("PRAGMA foreign_key_check")).fetchall()
    connection.rollback()
    if broken:
        raise RuntimeError(f"the upgrade left {len(broken)} rows that point nowhere; restore the backup")
