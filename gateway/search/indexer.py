"""Learns the words of messages a moment after they were written, many at a time.

A message that is written leaves one small row in the backlog, in its own transaction; learning each by itself there
would cost the hot path more than all the rest (``docs/decisions/0016-search-behind-the-writer.md``).
"""

from __future__ import annotations

from typing import Final

from gateway.db.tx import Database, Tx
from gateway.kit.service import Wakeable
from gateway.kit.words import split
from gateway.messages.models import Message
from gateway.search import store
from gateway.search.scope import marks_of

_AT_ONCE: Final = 200  #: others write between two of these
_INTERVAL_SECONDS: Final = 2.0


class Indexer(Wakeable):
    """Works the backlog off. Whoever searches has it do what has come in since, so nothing written is missed."""

    def __init__(self, *, database: Database, interval_seconds: float = _INTERVAL_SECONDS) -> None:
        super().__init__(interval_seconds=interval_seconds)
        self._database = database

    async def run_once(self) -> float | None:
        """Learn all that waits."""
        while not self.stopping.is_set() and await self._database.read(store.is_behind):
            await self._database.write(learn_some)
        return None

    async def catch_up(self, *, most: int = 2_000) -> bool:
        """Learn what waits, up to a limit; False where more is left, after an upgrade or while a history comes in."""
        for _ in range(0, most, _AT_ONCE):
            if not await self._database.read(store.is_behind):
                return True
            await self._database.write(learn_some)
        return not await self._database.read(store.is_behind)


def learn_some(tx: Tx) -> None:
    """Take some messages off the backlog and keep their words."""
    ids = store.take_backlog(tx, most=_AT_ONCE)
    found = store.messages(tx, ids)
    store.forget(tx, ids)
    store.learn(tx, {message.id: (_marks(message), split(words_in(message))) for message in found})


def words_in(message: Message) -> str:
    """What can be searched of a message: what it says, and what its file is called."""
    file = message.content.get("file")
    filename = file.get("filename") if isinstance(file, dict) else None
    return "\n".join(part for part in (message.body, filename) if part)


def _marks(message: Message) -> list[str]:
    return marks_of(
        org_id=message.org_id,
        session_id=message.session_id,
        chat_id=message.chat_id,
        contact_id=message.contact_id,
        direction=message.direction,
        type=message.type,
    )
