"""Keeps SQLite's knowledge of its own tables fresh."""

from __future__ import annotations

from gateway.db.sqlite import SqliteDatabase


class Optimize:
    """Lets SQLite look at tables that have grown. PostgreSQL does so by itself.

    The log is folded back by the writer as it goes: a second connection that did it could corrupt the file before
    SQLite 3.51.3.
    """

    name = "optimize"

    def __init__(self, *, database: SqliteDatabase) -> None:
        self._database = database

    async def run_once(self) -> int:
        await self._database.optimize()
        return 1
