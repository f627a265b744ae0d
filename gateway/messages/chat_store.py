"""Queries on chats together with their last messages. Every one names the organization."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, or_, select

from gateway.chats.models import Chat
from gateway.contacts.models import Contact
from gateway.db.tx import Tx
from gateway.kit.words import split_name
from gateway.messages.models import Message


@dataclass(frozen=True, kw_only=True)
class ChatEntry:
    """A chat with the person in it and what was said last."""

    chat: Chat
    contact: Contact | None
    last: Message | None


@dataclass(frozen=True, kw_only=True)
class ChatFilters:
    """Which chats a list holds; None asks for no limit."""

    session_ids: Collection[int] | None = None
    kind: str | None = None
    contact_id: int | None = None
    is_unread: bool | None = None
    search: str | None = None


def find(tx: Tx, *, org_id: int, chat_id: int) -> ChatEntry | None:
    """The chat with this id."""
    found = _entries(tx, _select().where(Chat.org_id == org_id, Chat.id == chat_id))
    return found[0] if found else None


def list_page(
    tx: Tx, *, org_id: int, filters: ChatFilters, limit: int, before_message_id: int | None = None
) -> list[ChatEntry]:
    """Chats with messages, the one with the newest message first."""
    statement = _narrow(_select(), filters).where(Chat.org_id == org_id, Chat.last_message_id.is_not(None))
    if before_message_id is not None:
        statement = statement.where(Chat.last_message_id < before_message_id)
    return _entries(tx, statement.order_by(Chat.last_message_id.desc()).limit(limit))


def _select() -> Select[Chat, Contact, Message]:
    return (
        select(Chat, Contact, Message)
        .outerjoin(Contact, Contact.id == Chat.contact_id)
        .outerjoin(Message, Message.id == Chat.last_message_id)
    )


def _narrow(statement: Select[Chat, Contact, Message], filters: ChatFilters) -> Select[Chat, Contact, Message]:
    if filters.session_ids is not None:
        statement = statement.where(Chat.session_id.in_(filters.session_ids))
    if filters.kind is not None:
        statement = statement.where(Chat.kind == filters.kind)
    if filters.contact_id is not None:
        statement = statement.where(Chat.contact_id == filters.contact_id)
    if filters.is_unread is not None:
        statement = statement.where(Chat.unread > 0 if filters.is_unread else Chat.unread == 0)
    for word in split_name(filters.search or ""):
        in_title, in_name = (column.contains(word, autoescape=True) for column in (Chat.folded, Contact.folded))
        statement = statement.where(or_(in_title, in_name))
    return statement


def _entries(tx: Tx, statement: Select[Chat, Contact, Message]) -> list[ChatEntry]:
    rows: Any = tx.execute(statement)
    return [ChatEntry(chat=chat, contact=contact, last=last) for chat, contact, last in rows]
