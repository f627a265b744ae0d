"""Queries on chats. Every one names the organization."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, cast

from sqlalchemy import Case, Column, Table, and_, bindparam, case, delete, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.attributes import set_committed_value

from gateway.chats.models import Chat
from gateway.db.tx import Tx
from sessions.address import AddressKind

# Every message passes here, hence statements that are built once.
_TABLE: Final = cast(Table, Chat.__table__)
_WITH_CONTACT: Final = select(Chat).where(
    Chat.org_id == bindparam("org"),
    Chat.session_id == bindparam("session"),
    Chat.contact_id == bindparam("contact"),
)
_AT_ADDRESS: Final = select(Chat).where(
    Chat.org_id == bindparam("org"), Chat.session_id == bindparam("session"), Chat.jid == bindparam("jid")
)
_MESSAGE_AT: Final = bindparam("message_at", type_=_TABLE.c.last_message_at.type)
_IS_NEWER: Final = or_(_TABLE.c.last_message_at.is_(None), _TABLE.c.last_message_at <= _MESSAGE_AT)


def _latest(column: Column[Any], name: str) -> Case[Any]:
    """The later one of what is there and what is told; null says nothing."""
    told = bindparam(name, type_=column.type)
    return case((and_(told.is_not(None), or_(column.is_(None), column < told)), told), else_=column)


_NOTE_MESSAGE: Final = (
    update(_TABLE)
    .where(_TABLE.c.org_id == bindparam("org"), _TABLE.c.id == bindparam("chat"))
    .values(
        unread=_TABLE.c.unread + bindparam("more_unread"),
        last_message_id=case(
            (_IS_NEWER, bindparam("message", type_=_TABLE.c.last_message_id.type)), else_=_TABLE.c.last_message_id
        ),
        last_message_at=case((_IS_NEWER, _MESSAGE_AT), else_=_TABLE.c.last_message_at),
        last_in_at=_latest(_TABLE.c.last_in_at, "in_at"),
        last_out_at=_latest(_TABLE.c.last_out_at, "out_at"),
        updated_at=_MESSAGE_AT,
    )
    .returning(_TABLE.c.last_in_at, _TABLE.c.last_out_at)
)
_NOTE_SENT: Final = (
    update(_TABLE)
    .where(_TABLE.c.org_id == bindparam("org"), _TABLE.c.id == bindparam("chat"))
    .values(last_out_at=bindparam("out_at", type_=_TABLE.c.last_out_at.type))
)


def find(tx: Tx, *, org_id: int, chat_id: int) -> Chat | None:
    """The chat with this id."""
    return tx.execute(select(Chat).where(Chat.org_id == org_id, Chat.id == chat_id)).scalar_one_or_none()


def find_with_contact(tx: Tx, *, org_id: int, session_id: int, contact_id: int) -> Chat | None:
    """The thread with a person on a session."""
    return tx.session.scalar(_WITH_CONTACT, {"org": org_id, "session": session_id, "contact": contact_id})


def find_at(tx: Tx, *, org_id: int, session_id: int, jid: str) -> Chat | None:
    """The thread at an address that is nobody's."""
    return tx.session.scalar(_AT_ADDRESS, {"org": org_id, "session": session_id, "jid": jid})


def list_unread(tx: Tx, *, org_id: int, session_id: int, limit: int) -> Sequence[Chat]:
    """Chats of a session in which something is unread; statuses do not ask to be read."""
    unread = (Chat.unread > 0, Chat.kind != AddressKind.STATUS)
    where = (Chat.org_id == org_id, Chat.session_id == session_id, *unread)
    return tx.execute(select(Chat).where(*where).order_by(Chat.id).limit(limit)).scalars().all()


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


def note_message(
    tx: Tx,
    chat: Chat,
    *,
    message_id: int,
    at: datetime,
    unread: int,
    in_at: datetime | None,
    out_at: datetime | None,
) -> None:
    """A message was added: it becomes the last one unless a newer one is there already."""
    values = {"org": chat.org_id, "chat": chat.id, "message": message_id, "message_at": at, "more_unread": unread}
    found = tx.execute(_NOTE_MESSAGE, values | {"in_at": in_at, "out_at": out_at}).one()
    # From here on the row is ours on PostgreSQL too, so what it says stays true until the end of this transaction.
    set_committed_value(chat, "last_in_at", found.last_in_at)
    set_committed_value(chat, "last_out_at", found.last_out_at)


def note_sent(tx: Tx, chat: Chat, *, at: datetime) -> None:
    """A message from the queue went out."""
    tx.execute(_NOTE_SENT, {"org": chat.org_id, "chat": chat.id, "out_at": at})
    set_committed_value(chat, "last_out_at", at)


def later(one: datetime | None, other: datetime | None) -> datetime | None:
    """The later of two moments that may be unknown."""
    return max((moment for moment in (one, other) if moment is not None), default=None)


def count_read(tx: Tx, *, org_id: int, chat_id: int, read: int) -> None:
    """Some messages of a chat were read."""
    left = case((Chat.unread > read, Chat.unread - read), else_=0)
    tx.execute(update(Chat).where(Chat.org_id == org_id, Chat.id == chat_id).values(unread=left))


def remove(tx: Tx, *, org_id: int, chat_id: int) -> None:
    """Delete a chat that has nothing in it any more."""
    tx.execute(delete(Chat).where(Chat.org_id == org_id, Chat.id == chat_id))
