"""Pauses a session's queue in the store alone, for whoever has no gateway running."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from gateway.db.tx import Tx
from gateway.fleet.models import Session
from gateway.messages.models import Queue

#: The store came from a backup: what waits may have been sent after the backup was made.
PAUSED_BY_RESTORE: Final = "restored"


def pause_queue(tx: Tx, session: Session, *, reason: str, at: datetime) -> bool:
    """Let nothing go until a person resumes the queue; False when it was paused already."""
    queue = tx.session.get(Queue, session.id)
    if queue is None:
        queue = Queue(org_id=session.org_id, session_id=session.id)
        tx.session.add(queue)
    if queue.paused_at is not None:
        return False
    queue.paused_at, queue.pause_reason = at, reason
    tx.session.flush()
    return True
