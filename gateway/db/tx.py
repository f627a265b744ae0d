"""The unit of work: what stores and services see of the database.

Work on the database is a plain function of a :class:`Tx`. It runs to its end without awaiting anything, so no network
call can slip into a transaction, and the writer may put many of them into one commit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from sqlalchemy import event
from sqlalchemy.engine import Result
from sqlalchemy.orm import Session
from sqlalchemy.sql import Executable

T = TypeVar("T")


class Tx:
    """One transaction. Only the edge (request, report, pass of a service) makes one; nobody else commits."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.after_commit_callbacks: list[Callable[[], None]] = []
        self._before_commit_callbacks: list[Callable[[], None]] | None = None

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgresql``, for the few statements that differ."""
        return self.session.get_bind().dialect.name

    def execute(self, statement: Executable, parameters: Any = None) -> Result[Any]:
        """Run one SQLAlchemy Core statement."""
        return self.session.execute(statement, parameters)

    def add(self, row: object) -> None:
        """Insert an ORM row and make its constraints speak now."""
        self.session.add(row)
        self.session.flush()

    def before_commit(self, callback: Callable[[], None]) -> None:
        """Call back inside the transaction when all other work is done; what it raises undoes everything."""
        if self._before_commit_callbacks is None:
            self._before_commit_callbacks = []
            event.listen(self.session, "before_commit", self._finish)
        self._before_commit_callbacks.append(callback)

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Call back on the event loop once this is committed; never when it is rolled back."""
        self.after_commit_callbacks.append(callback)

    def _finish(self, session: Session) -> None:
        if session.in_nested_transaction():
            return  # a savepoint of the work itself ends, not the transaction
        while self._before_commit_callbacks:
            self._before_commit_callbacks.pop(0)()


class Database(Protocol):
    """The store. ``work`` runs on the writer's or a reader's side, never on the event loop."""

    async def write(self, work: Callable[[Tx], T]) -> T:
        """Run ``work`` in a write transaction and return its value once it is durable.

        On SQLite many callers share one commit (group commit), each inside a savepoint of its own: an exception rolls
        back only its own work and is raised here.
        """

    async def read(self, work: Callable[[Tx], T]) -> T:
        """Run ``work`` against a consistent snapshot; writing fails."""
