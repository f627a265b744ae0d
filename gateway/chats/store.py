"""Queries on chats. Every one names the organization."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import case, delete, or_, select, update
from sqlalchemy.exc import IntegrityError

from gateway.chats.models import Chat
from gateway.db.tx import Tx


def find(tx: Tx, *, org_id: int, chat_id: int) -> Chat | None:
    """The chat with this id."""
    return tx.execute(select(Chat).where(Chat.org_id == org_id, Chat.id == chat_id)).scalar_one_or_none()


def find_with_contact(tx: Tx, *, org_id: int, session_id: int, contact_id: int) -> Chat | None:
    """The thread with a person on a session."""
    where = (Chat.org_id == org_id, Chat.session_id == session_id, Chat.contact_id == contact_id)
    return tx.execute(select(Chat).where(*where)).scalar_one_or_none()


def find_at(tx: Tx, *, org_id: int, session_id: int, jid: str) -> Chat | None:
    """The thread at an address that is nobody's."""
    where = (Chat.org_id == org_id, Chat.session_id == session_id, Chat.jid == jid)
    return tx.execute(select(Chat).where(*where)).scalar_one_or_none()


def list_of_contact(tx: Tx, *, org_id: int, contact_id: int) -> Sequence[Chat]:
    """The threads with a person on every session."""
    where = (Chat.org_id == org_id, Chat.contact_id == contact_id)
    return tx.execute(select(Chat).where(*where)).scalars().all()


def add_unless_open(tx: Tx, chat: Chat) -> bool:
    """Insert a chat; False, and nothing is inserted, where the same thread is there already."""
    try:
        with tx.session.begin_nested():
            tx.add(chat)
    except IntegrityError:
        return False
    return True


def change(tx: Tx, *, org_id: int, chat_id: int, **values: Any) -> None:
    """Set columns of one chat; a value may be an SQL expression."""
    tx.execute(update(Chat).where(Chat.org_id == org_id, Chat.id == chat_id).values(**values))


def note_message(tx: Tx, *, org_id: int, chat_id: int, message_id: int, at: datetime, unread: int) -> None:
    """A message was added: it becomes the last one unless a newer one is there already."""
    is_newer = or_(Chat.last_message_at.is_(None), Chat.last_message_at <= at)
    tx.execute(
        update(Chat)
        .where(Chat.org_id == org_id, Chat.id == chat_id)
        .values(
            unread=Chat.unread + unread,
            last_message_id=case((is_newer, message_id), else_=Chat.last_message_id),
            last_message_at=case((is_newer, at), else_=Chat.last_message_at),
            updated_at=at,
        )
        .execution_options(synchronize_session=False)
    )


def count_read(tx: Tx, *, org_id: int, chat_id: int, read: int) -> None:
    """Some messages of a chat were read."""
    left = case((Chat.unread > read, Chat.unread - read), else_=0)
    tx.execute(update(Chat).where(Chat.org_id == org_id, Chat.id == chat_id).values(unread=left))


def remove(tx: Tx, *, org_id: int, chat_id: int) -> None:
    """Delete a chat that has nothing in it any more."""
    tx.execute(delete(Chat).where(Chat.org_id == org_id, Chat.id == chat_id))


def list_page(
    tx: Tx, *, org_id: int, limit: int, session_ids: Collection[int] | None, before_message_id: int | None = None
) -> Sequence[Chat]:
    """Chats with messages, the one with the newest message first."""
    statement = select(Chat).where(Chat.org_id == org_id, Chat.last_message_id.is_not(None))
    if session_ids is not None:
        statement = statement.where(Chat.session_id.in_(session_ids))
    if before_message_id is not None:
        statement = statement.where(Chat.last_message_id < before_message_id)
    return tx.execute(statement.order_by(Chat.last_message_id.desc()).limit(limit)).scalars().all()
