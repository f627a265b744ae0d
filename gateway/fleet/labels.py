"""The words that a session's owner wants to hear again in every event of it."""

from __future__ import annotations

from functools import partial
from typing import cast

from gateway.db.tx import Tx
from gateway.fleet import store
from gateway.fleet.models import Session


class SessionLabels:
    """Metadata by session, kept in memory: every event asks for it."""

    def __init__(self) -> None:
        self._known: dict[int, dict[str, str] | None] = {}

    def of(self, tx: Tx, session_id: int) -> dict[str, str] | None:
        """What is told with the events of this session; None where there is nothing."""
        if session_id not in self._known:
            session = store.find_any(tx, session_id=session_id)
            # What a change has put here meanwhile is newer than what this transaction can see.
            self._known.setdefault(session_id, _metadata(session) if session is not None else None)
        return self._known[session_id]

    def changed(self, tx: Tx, session: Session) -> None:
        """The settings of a session were changed."""
        tx.after_commit(partial(self._known.__setitem__, session.id, _metadata(session)))


def _metadata(session: Session) -> dict[str, str] | None:
    return cast("dict[str, str] | None", session.settings.get("metadata") or None)
