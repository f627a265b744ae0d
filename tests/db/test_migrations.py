"""The migrations lead to exactly what the models say, and never past it."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text

from gateway.db.draft import draft
from gateway.db.errors import DatabaseTooNewError
from gateway.db.migrate import current, head, on_connection, upgrade
from gateway.db.tables import is_declared, load_tables


def differences(connection: Connection) -> list[object]:
    options = {"compare_type": True, "compare_server_default": True, "include_object": is_declared}
    context = MigrationContext.configure(connection, opts=options)
    return compare_metadata(context, load_tables())


async def test_the_migrations_make_the_schema_that_the_models_declare(any_migrated_url):
    assert await on_connection(any_migrated_url, differences) == []
    assert await current(any_migrated_url) == head()


async def test_upgrading_twice_changes_nothing(any_migrated_url):
    await upgrade(any_migrated_url)

    assert await on_connection(any_migrated_url, differences) == []


async def test_a_database_of_a_newer_version_is_refused_and_left_alone(tmp_path):
    url = f"sqlite:///{tmp_path / 'wagate.db'}"
    await upgrade(url)
    await on_connection(url, lambda connection: _set_step(connection, "9999"))

    with pytest.raises(DatabaseTooNewError, match="9999"):
        await upgrade(url)

    assert await current(url) == "9999"


async def test_an_empty_file_stands_at_no_step(tmp_path):
    assert await current(f"sqlite:///{tmp_path / 'wagate.db'}") is None


def test_every_step_is_numbered_and_follows_the_one_before():
    steps = sorted(path.name for path in Path(draft.__code__.co_filename).parent.glob("migrations/versions/*.py"))

    assert [name[:4] for name in steps] == [f"{number:04}" for number in range(1, len(steps) + 1)]
    assert head() == steps[-1][:4]


def _set_step(connection: Connection, step: str) -> None:
    connection.execute(text("UPDATE alembic_version SET version_num = :step"), {"step": step})
    connection.commit()
