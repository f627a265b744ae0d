"""Queries on calls. Every one names the organization."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select, update

from gateway.calls.models import PhoneCall
from gateway.contacts.models import Contact
from gateway.db.tx import Tx


def find(tx: Tx, *, org_id: int, session_id: int, call_id: int) -> PhoneCall | None:
    """The call with this id."""
    where = (PhoneCall.org_id == org_id, PhoneCall.session_id == session_id, PhoneCall.id == call_id)
    return tx.session.scalar(select(PhoneCall).where(*where))


def find_by_wa_id(tx: Tx, *, org_id: int, session_id: int, wa_id: str) -> PhoneCall | None:
    """The call that WhatsApp knows by this id."""
    where = (PhoneCall.org_id == org_id, PhoneCall.session_id == session_id, PhoneCall.wa_id == wa_id)
    return tx.session.scalar(select(PhoneCall).where(*where).with_for_update())


def list_page(
    tx: Tx, *, org_id: int, session_id: int, limit: int, before_id: int | None
) -> Sequence[tuple[PhoneCall, Contact | None]]:
    """Calls to a session with who called, newest first."""
    statement = (
        select(PhoneCall, Contact)
        .outerjoin(Contact, (Contact.id == PhoneCall.contact_id) & (Contact.org_id == org_id))
        .where(PhoneCall.org_id == org_id, PhoneCall.session_id == session_id)
    )
    if before_id is not None:
        statement = statement.where(PhoneCall.id < before_id)
    rows: Any = tx.execute(statement.order_by(PhoneCall.id.desc()).limit(limit))
    return [(call, contact) for call, contact in rows]


def move_to_contact(tx: Tx, *, org_id: int, from_id: int, into_id: int) -> None:
    """Calls of one contact become calls of another."""
    where = (PhoneCall.org_id == org_id, PhoneCall.contact_id == from_id)
    tx.execute(update(PhoneCall).where(*where).values(contact_id=into_id))
