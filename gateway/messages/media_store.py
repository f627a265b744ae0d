"""Statements on messages by the file that they carry. Every one names the organization."""

from __future__ import annotations

from sqlalchemy import select, update

from gateway.db.tx import Tx
from gateway.messages.models import Direction, MediaState, Message
from gateway.messages.states import MessageState

#: The file may yet be read to be sent.
_UNDER_WAY = (MessageState.SCHEDULED, MessageState.QUEUED, MessageState.SENDING, MessageState.UNCERTAIN)


def is_needed(tx: Tx, *, org_id: int, media_id: int) -> bool:
    """Whether a message with this file has yet to go out."""
    statement = select(Message.id).where(
        Message.org_id == org_id, Message.media_id == media_id, Message.state.in_(_UNDER_WAY)
    )
    return tx.session.scalar(statement.limit(1)) is not None


def note_gone(tx: Tx, *, org_id: int, media_id: int, error: str) -> None:
    """What arrived with this file has it no longer, and may fetch it again."""
    statement = update(Message).where(
        Message.org_id == org_id, Message.media_id == media_id, Message.direction == Direction.IN
    )
    tx.execute(statement.values(media_id=None, media_state=MediaState.FAILED, media_error=error))
