"""Reads messages for sessions whose settings say so: whatever arrives is marked as read once it is stored."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from gateway.chats.models import Chat
from gateway.chats.service import Chats
from gateway.db.tx import Database, Tx
from gateway.fleet.models import Session
from gateway.fleet.service import Sessions
from gateway.kit.ids import render_id
from gateway.kit.service import Wakeable
from gateway.messages.marking import ReadMarker
from gateway.messages.models import Direction
from gateway.messages.store import Entry
from sessions.engine import StatusChange
from sessions.errors import SessionError
from sessions.status import SessionStatus

log = structlog.get_logger(__name__)

_LOOK_EVERY_SECONDS = 60.0
_CHATS_AT_ONCE = 50


class AutoReader(Wakeable):
    """Goes by what is unread in the store: what a crash or an outage leaves undone is found again."""

    def __init__(self, *, database: Database, sessions: Sessions, chats: Chats, marker: ReadMarker) -> None:
        super().__init__(interval_seconds=_LOOK_EVERY_SECONDS)
        self._database = database
        self._sessions = sessions
        self._chats = chats
        self._marker = marker
        self._due: set[int] = set()

    def filed(self, tx: Tx, session: Session, entry: Entry) -> None:
        """Hear of each new message, in the transaction that files it."""
        if session.settings.get("auto_read") and entry.message.direction == Direction.IN:
            session_id = session.id
            tx.after_commit(lambda: self._look_at(session_id))

    def status_changed(self, session_id: int, change: StatusChange) -> None:
        """Observe statuses: a session that is connected can read what came before."""
        if change.status is SessionStatus.CONNECTED:
            self._look_at(session_id)

    async def run_once(self) -> float | None:
        due, self._due = self._due, set()
        for session_id in due:
            await self._read(session_id)
        return None

    def _look_at(self, session_id: int) -> None:
        self._due.add(session_id)
        self.wake()

    async def _read(self, session_id: int) -> None:
        for chat in await self._database.read(lambda tx: self._unread_chats(tx, session_id)):
            try:
                await self._marker.mark(chat)
            except SessionError as error:
                # It is tried again with the next message, and when the session connects.
                log.info("not marked as read", session_id=render_id("ses", session_id), code=error.code)
                return

    def _unread_chats(self, tx: Tx, session_id: int) -> Sequence[Chat]:
        session = self._sessions.present(tx, session_id)
        if session is None or not session.settings.get("auto_read"):
            return ()
        return self._chats.unread_of(tx, org_id=session.org_id, session_id=session_id, limit=_CHATS_AT_ONCE)
