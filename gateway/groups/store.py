"""Queries on groups. Every one names the organization."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import delete, select, update

from gateway.chats.models import Chat
from gateway.contacts.models import Contact
from gateway.db.tx import Tx
from gateway.groups.models import Group, GroupMember


class Person(NamedTuple):
    """A member with who they are."""

    contact: Contact
    role: str
    since: datetime


def find(tx: Tx, *, org_id: int, chat_id: int) -> Group | None:
    """The group with this chat."""
    return tx.session.scalar(select(Group).where(Group.org_id == org_id, Group.chat_id == chat_id))


def hold_chat(tx: Tx, *, org_id: int, chat_id: int) -> None:
    """Keep others from changing this group until the transaction ends; SQLite has one writer anyway."""
    tx.execute(select(Chat.id).where(Chat.org_id == org_id, Chat.id == chat_id).with_for_update())


def find_at(tx: Tx, *, org_id: int, session_id: int, jid: str) -> Group | None:
    """The group at an address, as one session knows it."""
    where = (Group.org_id == org_id, Group.session_id == session_id, Group.jid == jid)
    return tx.session.scalar(select(Group).where(*where))


def list_at(tx: Tx, *, org_id: int, jid: str, session_ids: Collection[int] | None) -> Sequence[Group]:
    """The group at an address on every session that may be seen."""
    statement = select(Group).where(Group.org_id == org_id, Group.jid == jid)
    if session_ids is not None:
        statement = statement.where(Group.session_id.in_(session_ids))
    return tx.session.scalars(statement).all()


def list_page(
    tx: Tx, *, org_id: int, limit: int, session_ids: Collection[int] | None, before_id: int | None, left: bool
) -> Sequence[Group]:
    """Groups, those that became known last first."""
    statement = select(Group).where(Group.org_id == org_id)
    if not left:
        statement = statement.where(Group.is_member)
    if session_ids is not None:
        statement = statement.where(Group.session_id.in_(session_ids))
    if before_id is not None:
        statement = statement.where(Group.chat_id < before_id)
    return tx.session.scalars(statement.order_by(Group.chat_id.desc()).limit(limit)).all()


def list_of_session(tx: Tx, *, org_id: int, session_id: int) -> Sequence[Group]:
    """Every group that a session has ever been in."""
    return tx.session.scalars(select(Group).where(Group.org_id == org_id, Group.session_id == session_id)).all()


def list_members(tx: Tx, *, org_id: int, chat_id: int) -> Sequence[Person]:
    """Who is in a group: those who lead it first, then in the order of their names."""
    statement = (
        select(Contact, GroupMember.role, GroupMember.since)
        .join(Contact, Contact.id == GroupMember.contact_id)
        .where(GroupMember.org_id == org_id, GroupMember.chat_id == chat_id)
        .order_by(GroupMember.role.desc(), Contact.id)
    )
    return [Person(*row) for row in tx.session.execute(statement)]


def roles(tx: Tx, *, org_id: int, chat_id: int) -> dict[int, GroupMember]:
    """The members of a group by their contact."""
    found = tx.session.scalars(select(GroupMember).where(GroupMember.org_id == org_id, GroupMember.chat_id == chat_id))
    return {member.contact_id: member for member in found}


def remove_members(tx: Tx, *, org_id: int, chat_id: int, contact_ids: Collection[int] | None = None) -> None:
    """Take people out of a group; without ids everybody."""
    statement = delete(GroupMember).where(GroupMember.org_id == org_id, GroupMember.chat_id == chat_id)
    if contact_ids is not None:
        statement = statement.where(GroupMember.contact_id.in_(contact_ids))
    tx.execute(statement)


def move_member(tx: Tx, *, org_id: int, from_id: int, into_id: int) -> None:
    """Two contacts became one: whoever was in a group under either name is in it once."""
    where = (GroupMember.org_id == org_id, GroupMember.contact_id == from_id)
    there = select(GroupMember.chat_id).where(GroupMember.org_id == org_id, GroupMember.contact_id == into_id)
    tx.execute(delete(GroupMember).where(*where, GroupMember.chat_id.in_(there)))
    tx.execute(update(GroupMember).where(*where).values(contact_id=into_id))
    tx.execute(update(Group).where(Group.org_id == org_id, Group.owner_id == from_id).values(owner_id=into_id))
