"""What Alembic runs to apply or draft a step; the connection is handed in by :mod:`gateway.db.migrate`."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import JSON
from sqlalchemy.types import TypeEngine

from gateway.db.tables import is_declared, load_tables
from gateway.db.types import UtcDateTime


def render_item(kind: str, item: Any, autogenerate: AutogenContext) -> str | Literal[False]:
    """Write our own column types by name, so that they mean the same on every database."""
    if kind != "type" or not isinstance(item, TypeEngine):
        return False
    if isinstance(item, UtcDateTime):
        autogenerate.imports.add("from gateway.db.types import UtcDateTime")
        return "UtcDateTime()"
    if isinstance(item, JSON):
        autogenerate.imports.add("from gateway.db.types import JsonType")
        return "JsonType"
    return False


def run() -> None:
    """One transaction per step, on SQLite too: a step that fails leaves nothing behind."""
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=load_tables(),
        render_as_batch=True,
        render_item=render_item,
        include_object=is_declared,
        compare_type=True,
        transactional_ddl=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


run()
