"""Queries on calls. Every one names the organization, but for those by which the gateway itself ends calls."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import literal_column, select, update

from gateway.calls.models import CallState, PhoneCall
from gateway.contacts.models import Contact
from gateway.db.tx import Tx

#: As it stands in the index: with a parameter, neither database would know that it may use it.
_RINGING = PhoneCall.state == literal_column(f"'{CallState.RINGING}'")


def find(tx: Tx, *, org_id: int, session_id: int, call_id: int) -> PhoneCall | None:
    """The call with this id."""
    where = (PhoneCall.org_id == org_id, PhoneCall.session_id == session_id, PhoneCall.id == call_id)
    return tx.session.scalar(select(PhoneCall).where(*where))


def find_by_wa_id(tx: Tx, *, org_id: int, session_id: int, wa_id: str) -> PhoneCall | None:
    """The call that WhatsApp knows by this id."""
    where = (PhoneCall.org_id == org_id, PhoneCall.session_id == session_id, PhoneCall.wa_id == wa_id)
    return tx.session.scalar(select(PhoneCall).where(*where).with_for_update())


def oldest_ringing(tx: Tx, *, limit: int) -> Sequence[tuple[int, datetime]]:
    """Calls of all organizations that ring as far as is known, with when they were heard of, oldest first."""
    statement = select(PhoneCall.id, PhoneCall.created_at).where(_RINGING).order_by(PhoneCall.created_at)
    rows: Any = tx.execute(statement.limit(limit))
    return [(call_id, created_at) for call_id, created_at in rows]


def find_ringing(tx: Tx, *, call_ids: Collection[int]) -> Sequence[PhoneCall]:
    """Those of these calls that still ring, for somebody who changes them."""
    statement = select(PhoneCall).where(_RINGING, PhoneCall.id.in_(call_ids)).order_by(PhoneCall.id)
    return tx.session.scalars(statement.with_for_update()).all()


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
