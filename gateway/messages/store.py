"""Queries on messages for the API and for what arrives. Every one names the organization."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast

from sqlalchemy import ColumnElement, Insert, Select, Table, bindparam, delete, insert, literal_column, select, update
from sqlalchemy.dialects import postgresql, sqlite

from gateway.chats.models import Chat
from gateway.contacts.models import Contact
from gateway.db.tx import Tx
from gateway.messages.filters import Filters
from gateway.messages.models import (
    EarlyReceipt,
    Message,
    MessageReaction,
    MessageReceipt,
    MessageVersion,
)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A message with what is needed to show or send it."""

    message: Message
    chat: Chat
    contact: Contact | None


def select_entries() -> Select[Message, Chat, Contact]:
    """Messages with their chat and contact, to be narrowed by the caller."""
    return (
        select(Message, Chat, Contact)
        .join(Chat, Chat.id == Message.chat_id)
        .outerjoin(Contact, Contact.id == Message.contact_id)
    )


# What every message needs on its way, hence built once.
_FIND: Final = select_entries().where(Message.org_id == bindparam("org"), Message.id == bindparam("message"))
_TWIN: Final = select(Message).where(
    Message.org_id == bindparam("org"),
    Message.chat_id == bindparam("chat"),
    Message.wa_id == bindparam("wa_id"),
    Message.author_id == bindparam("author"),
)
_SENT: Final = select_entries().where(
    Message.org_id == bindparam("org"),
    Message.session_id == bindparam("session"),
    Message.wa_id.in_(bindparam("wa_ids", expanding=True)),
    Message.author_id == 0,
)
_EARLY: Final = (
    select(EarlyReceipt)
    .where(
        EarlyReceipt.org_id == bindparam("org"),
        EarlyReceipt.session_id == bindparam("session"),
        EarlyReceipt.wa_id == bindparam("wa_id"),
    )
    .order_by(EarlyReceipt.at)
)
_MESSAGES: Final = cast(Table, Message.__table__)
_MENU: Final[ColumnElement[str]] = literal_column("'menu'")  # for the index of menus
_ADD: Final = insert(_MESSAGES)


def _insert_unless_known(table: Table) -> Mapping[str, Insert]:
    """The statement that adds a row whose key is not there yet, by database."""
    return {
        "sqlite": sqlite.insert(table).on_conflict_do_nothing(),
        "postgresql": postgresql.insert(table).on_conflict_do_nothing(),
    }


_NOTE_RECEIPT: Final = _insert_unless_known(cast(Table, MessageReceipt.__table__))
_KEEP_EARLY: Final = _insert_unless_known(cast(Table, EarlyReceipt.__table__))


def entries(
    tx: Tx, statement: Select[Message, Chat, Contact], parameters: Mapping[str, object] | None = None
) -> list[Entry]:
    """Run a narrowed :func:`select_entries`."""
    rows: Any = tx.execute(statement, parameters)
    return [Entry(message=message, chat=chat, contact=contact) for message, chat, contact in rows]


def add(tx: Tx, message: Message) -> None:
    """Insert a message. The object is a record of what was written; to change the row, read it."""
    tx.execute(_ADD, {column.key: getattr(message, column.key) for column in _MESSAGES.c})


def find(tx: Tx, *, org_id: int, message_id: int) -> Entry | None:
    """The message with this id."""
    found = entries(tx, _FIND, {"org": org_id, "message": message_id})
    return found[0] if found else None


def list_by_ids(
    tx: Tx, *, org_id: int, message_ids: Collection[int], session_ids: Collection[int] | None
) -> list[Entry]:
    """The messages with these ids, in no order; None as sessions stands for all of them."""
    statement = select_entries().where(Message.org_id == org_id, Message.id.in_(message_ids))
    if session_ids is not None:
        statement = statement.where(Message.session_id.in_(session_ids))
    return entries(tx, statement)


def hold(tx: Tx, *, org_id: int, message_id: int) -> None:
    """Let nobody else change this message until the transaction ends. SQLite has one writer anyway."""
    if tx.dialect == "postgresql":
        statement = select(Message.id).where(Message.org_id == org_id, Message.id == message_id)
        tx.execute(statement.with_for_update()).first()


def list_page(tx: Tx, *, org_id: int, filters: Filters, limit: int, before_id: int | None) -> Sequence[Entry]:
    """Messages, newest first."""
    statement = select_entries().where(Message.org_id == org_id, *_conditions(filters))
    if before_id is not None:
        statement = statement.where(Message.id < before_id)
    return entries(tx, statement.order_by(Message.id.desc()).limit(limit))


def list_stretch(
    tx: Tx, *, org_id: int, chat_id: int, limit: int, above: int | None, below: int | None, is_upward: bool
) -> list[Entry]:
    """Messages of a chat between two ids, newest first: the newest of them, or the oldest where ``is_upward``."""
    statement = select_entries().where(Message.org_id == org_id, Message.chat_id == chat_id)
    if above is not None:
        statement = statement.where(Message.id > above)
    if below is not None:
        statement = statement.where(Message.id < below)
    statement = statement.order_by(Message.id.asc() if is_upward else Message.id.desc()).limit(limit)
    found = entries(tx, statement)
    return found[::-1] if is_upward else found


def _conditions(filters: Filters) -> list[ColumnElement[bool]]:
    equal = {
        Message.chat_id: filters.chat_id,
        Message.contact_id: filters.contact_id,
        Message.direction: filters.direction,
        Message.type: filters.type,
        Message.client_ref: filters.client_ref,
    }
    conditions = [column == value for column, value in equal.items() if value is not None]
    if filters.session_ids is not None:
        conditions.append(Message.session_id.in_(filters.session_ids))
    if filters.states:
        conditions.append(Message.state.in_(filters.states))
    if filters.since is not None:
        conditions.append(Message.created_at >= filters.since)
    if filters.until is not None:
        conditions.append(Message.created_at < filters.until)
    return conditions


def find_twin(tx: Tx, *, org_id: int, chat_id: int, wa_id: str, author_id: int) -> Message | None:
    """This very message, where it was delivered before."""
    return tx.session.scalar(_TWIN, {"org": org_id, "chat": chat_id, "wa_id": wa_id, "author": author_id})


def find_by_wa_id(
    tx: Tx, *, org_id: int, session_id: int, wa_id: str, chat_id: int | None = None, author_id: int | None = None
) -> Entry | None:
    """The message that WhatsApp knows by this id on a session."""
    statement = select_entries().where(
        Message.org_id == org_id, Message.session_id == session_id, Message.wa_id == wa_id
    )
    if chat_id is not None:
        statement = statement.where(Message.chat_id == chat_id)
    if author_id is not None:
        statement = statement.where(Message.author_id == author_id)
    found = entries(tx, statement.limit(1))
    return found[0] if found else None


def last_menu(tx: Tx, *, org_id: int, chat_id: int, since: datetime) -> Message | None:
    """The newest menu that was sent into a chat."""
    statement = (
        select(Message)
        .where(Message.org_id == org_id, Message.chat_id == chat_id, Message.type == _MENU)
        .where(Message.direction == "out", Message.wa_id.is_not(None), Message.sent_at >= since)
        .order_by(Message.id.desc())
        .limit(1)
    )
    return tx.session.scalar(statement)


def list_sent(tx: Tx, *, org_id: int, session_id: int, wa_ids: Collection[str]) -> list[Entry]:
    """Messages of the linked account under these WhatsApp ids."""
    return entries(tx, _SENT, {"org": org_id, "session": session_id, "wa_ids": list(wa_ids)})


def list_received(tx: Tx, *, org_id: int, session_id: int, wa_ids: Collection[str]) -> list[Entry]:
    """Messages of others under these WhatsApp ids that the linked account has not read yet."""
    statement = select_entries().where(
        Message.org_id == org_id,
        Message.session_id == session_id,
        Message.wa_id.in_(wa_ids),
        Message.author_id != 0,
        Message.read_at.is_(None),
    )
    return entries(tx, statement)


def list_unread(tx: Tx, *, org_id: int, chat_id: int, limit: int) -> list[Entry]:
    """The newest incoming messages of a chat that nobody has read here, oldest first."""
    statement = (
        select_entries()
        .where(Message.org_id == org_id, Message.chat_id == chat_id, Message.direction == "in")
        .where(Message.read_at.is_(None), Message.wa_id.is_not(None))
        .order_by(Message.id.desc())
        .limit(limit)
    )
    return entries(tx, statement)[::-1]


def mark_read(tx: Tx, *, org_id: int, message_ids: Collection[int], at: datetime) -> None:
    """The linked account has read these."""
    where = (Message.org_id == org_id, Message.id.in_(message_ids), Message.read_at.is_(None))
    tx.execute(update(Message).where(*where).values(read_at=at).execution_options(synchronize_session=False))


def list_receipts(tx: Tx, *, org_id: int, message_id: int) -> Sequence[MessageReceipt]:
    """Every participant's receipts for one message, in the order of their times."""
    where = (MessageReceipt.org_id == org_id, MessageReceipt.message_id == message_id)
    return tx.execute(select(MessageReceipt).where(*where).order_by(MessageReceipt.at)).scalars().all()


def list_reactions(tx: Tx, *, org_id: int, message_id: int) -> Sequence[MessageReaction]:
    """The emoji on one message."""
    where = (MessageReaction.org_id == org_id, MessageReaction.message_id == message_id)
    return tx.execute(select(MessageReaction).where(*where).order_by(MessageReaction.at)).scalars().all()


def list_versions(tx: Tx, *, org_id: int, message_id: int) -> Sequence[MessageVersion]:
    """What an edited message said before, oldest first."""
    where = (MessageVersion.org_id == org_id, MessageVersion.message_id == message_id)
    return tx.execute(select(MessageVersion).where(*where).order_by(MessageVersion.id)).scalars().all()


def note_receipt(tx: Tx, *, org_id: int, message_id: int, participant: str, kind: str, at: datetime) -> bool:
    """Keep a participant's receipt; False where it was known before."""
    values = {"org_id": org_id, "message_id": message_id, "participant": participant, "kind": kind, "at": at}
    return bool(getattr(tx.execute(_NOTE_RECEIPT[tx.dialect], values), "rowcount", 0))


def set_reaction(tx: Tx, *, org_id: int, message_id: int, author_id: int, emoji: str, at: datetime) -> bool:
    """Replace a person's emoji on a message; an empty one removes it. False where nothing changes."""
    key = {"message_id": message_id, "author_id": author_id}
    row = tx.session.get(MessageReaction, key)
    if row is None and emoji:
        tx.add(MessageReaction(org_id=org_id, emoji=emoji, at=at, **key))
    elif row is not None and not emoji:
        tx.session.delete(row)
        tx.session.flush()
    elif row is not None and row.at < at and row.emoji != emoji:
        row.emoji, row.at = emoji, at
        tx.session.flush()
    else:
        return False
    return True


def keep_early(tx: Tx, *, org_id: int, session_id: int, wa_id: str, participant: str, kind: str, at: datetime) -> None:
    """Keep a receipt whose message does not know its WhatsApp id yet."""
    key = {"session_id": session_id, "wa_id": wa_id, "participant": participant, "kind": kind}
    tx.execute(_KEEP_EARLY[tx.dialect], {"org_id": org_id, "at": at, **key})


def take_early(tx: Tx, *, org_id: int, session_id: int, wa_id: str) -> Sequence[EarlyReceipt]:
    """The receipts that came before their message; they are removed."""
    rows = tx.session.scalars(_EARLY, {"org": org_id, "session": session_id, "wa_id": wa_id}).all()
    if rows:
        where = (EarlyReceipt.org_id == org_id, EarlyReceipt.session_id == session_id, EarlyReceipt.wa_id == wa_id)
        tx.execute(delete(EarlyReceipt).where(*where).execution_options(synchronize_session=False))
    return rows


def forget_early(tx: Tx, *, session_id: int, before: datetime) -> None:
    """Drop receipts whose message never turned up: it was sent from elsewhere."""
    where = (EarlyReceipt.session_id == session_id, EarlyReceipt.at < before)
    tx.execute(delete(EarlyReceipt).where(*where).execution_options(synchronize_session=False))


def move_to_contact(tx: Tx, *, org_id: int, from_id: int, into_id: int) -> None:
    """Messages with one contact become messages with another."""
    for column in (Message.contact_id, Message.author_id):
        where = (Message.org_id == org_id, column == from_id)
        tx.execute(update(Message).where(*where).values({column.key: into_id}))


def move_to_chat(tx: Tx, *, org_id: int, from_id: int, into_id: int) -> None:
    """Messages of one chat become messages of another; what both hold is kept once."""
    twin = select(Message.wa_id).where(Message.chat_id == into_id, Message.wa_id.is_not(None))
    doubled = (Message.org_id == org_id, Message.chat_id == from_id, Message.wa_id.in_(twin))
    tx.execute(delete(Message).where(*doubled).execution_options(synchronize_session=False))
    where = (Message.org_id == org_id, Message.chat_id == from_id)
    tx.execute(update(Message).where(*where).values(chat_id=into_id).execution_options(synchronize_session=False))
