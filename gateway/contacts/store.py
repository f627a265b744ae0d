"""Queries on contacts and their aliases. Every one names the organization."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, cast

from sqlalchemy import Table, bindparam, insert, select, tuple_, update
from sqlalchemy.exc import IntegrityError

from gateway.contacts.models import ConsentEvent, Contact, ContactAlias
from gateway.db.tx import Tx
from gateway.kit.words import split_name

Alias = tuple[str, str]  #: kind and value

# Asked and said with every message, hence built once.
_TABLE: Final = cast(Table, Contact.__table__)
_NOTE_INTERACTION: Final = update(_TABLE).where(
    _TABLE.c.org_id == bindparam("org"), _TABLE.c.id == bindparam("contact")
)
_OWNERS: Final = (
    select(ContactAlias.kind, ContactAlias.value, Contact)
    .join(Contact, Contact.id == ContactAlias.contact_id)
    .where(
        ContactAlias.org_id == bindparam("org"),
        tuple_(ContactAlias.kind, ContactAlias.value).in_(bindparam("aliases", expanding=True)),
    )
)


def find(tx: Tx, *, org_id: int, contact_id: int) -> Contact | None:
    """The contact with this id; a merged one leads to what it was merged into."""
    statement = select(Contact).where(Contact.org_id == org_id, Contact.id == contact_id)
    contact = tx.execute(statement).scalar_one_or_none()
    if contact is not None and contact.merged_into_id is not None:
        return find(tx, org_id=org_id, contact_id=contact.merged_into_id)
    return contact


def owners(tx: Tx, *, org_id: int, aliases: Sequence[Alias]) -> dict[Alias, Contact]:
    """Which contact each of these aliases leads to; unknown ones are absent."""
    rows: Any = tx.execute(_OWNERS, {"org": org_id, "aliases": list(aliases)})
    return {(kind, value): contact for kind, value, contact in rows}


def add_unless_known(tx: Tx, contact: Contact, aliases: Sequence[Alias]) -> bool:
    """Insert a contact with its aliases; False, and nothing is inserted, where one of them is taken already."""
    try:
        with tx.session.begin_nested():
            tx.add(contact)
            for alias in aliases:
                add_alias(tx, org_id=contact.org_id, contact_id=contact.id, alias=alias, at=contact.created_at)
    except IntegrityError:
        return False
    return True


def note_interaction(tx: Tx, *, org_id: int, contact_id: int, at: datetime) -> None:
    """Write when a contact last wrote to us."""
    tx.execute(_NOTE_INTERACTION, {"org": org_id, "contact": contact_id, "last_interaction_at": at})


def add_alias(tx: Tx, *, org_id: int, contact_id: int, alias: Alias, at: datetime) -> None:
    """Let a name lead to a contact; it must not lead to another one yet."""
    kind, value = alias
    row = {"org_id": org_id, "kind": kind, "value": value, "contact_id": contact_id, "created_at": at}
    tx.execute(insert(ContactAlias), row)


def move_aliases(tx: Tx, *, org_id: int, from_id: int, into_id: int) -> None:
    """Everything that led to one contact leads to the other."""
    where = (ContactAlias.org_id == org_id, ContactAlias.contact_id == from_id)
    tx.execute(update(ContactAlias).where(*where).values(contact_id=into_id))


def move_consents(tx: Tx, *, org_id: int, from_id: int, into_id: int) -> None:
    """The evidence about one contact is evidence about the other."""
    where = (ConsentEvent.org_id == org_id, ConsentEvent.contact_id == from_id)
    tx.execute(update(ConsentEvent).where(*where).values(contact_id=into_id))


def list_consents(tx: Tx, *, org_id: int, contact_id: int, limit: int, before_id: int | None) -> Sequence[ConsentEvent]:
    """What a contact has said, newest first."""
    statement = select(ConsentEvent).where(ConsentEvent.org_id == org_id, ConsentEvent.contact_id == contact_id)
    if before_id is not None:
        statement = statement.where(ConsentEvent.id < before_id)
    return tx.execute(statement.order_by(ConsentEvent.id.desc()).limit(limit)).scalars().all()


def list_page(
    tx: Tx, *, org_id: int, limit: int, before_id: int | None = None, search: str | None = None
) -> Sequence[Contact]:
    """Contacts, newest first; ``search`` looks into names and numbers."""
    statement = select(Contact).where(
        Contact.org_id == org_id, Contact.merged_into_id.is_(None), Contact.deleted_at.is_(None)
    )
    if before_id is not None:
        statement = statement.where(Contact.id < before_id)
    for word in split_name(search or ""):
        statement = statement.where(Contact.folded.contains(word, autoescape=True))
    return tx.execute(statement.order_by(Contact.id.desc()).limit(limit)).scalars().all()
