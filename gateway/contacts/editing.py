"""What people do with their address book: add, delete, bring back, and say that two contacts are one person."""

from __future__ import annotations

from gateway.contacts.models import Contact
from gateway.contacts.references import find_contact, read_person
from gateway.contacts.service import Contacts
from gateway.db.tx import Tx
from gateway.kit.clock import Clock
from gateway.kit.errors import ConflictError, FieldError, InvalidError
from gateway.kit.ids import render_id


class ContactEditor:
    """Changes contacts at the wish of a caller."""

    def __init__(self, *, clock: Clock, contacts: Contacts) -> None:
        self._clock = clock
        self._contacts = contacts

    def create(self, tx: Tx, *, org_id: int, to: str, name: str | None, timezone: str | None) -> Contact:
        """A new contact; raises ConflictError where the number or address leads to one already."""
        address = read_person(to)
        if address is None:
            problem = "This is neither a phone number with its country code nor a person's WhatsApp address."
            raise InvalidError(problem, code="recipient_invalid", fields=(FieldError(path="to", problem=problem),))
        known = self._contacts.find_by_address(tx, org_id=org_id, address=address)
        if known is not None and known.deleted_at is None:
            raise ConflictError(f"This person is {render_id('con', known.id)} already.", code="contact_exists")
        contact = self._contacts.identify(tx, org_id=org_id, address=address)
        given = {key: value for key, value in (("name", name), ("timezone", timezone)) if value is not None}
        if given:
            return self._contacts.change(tx, org_id=org_id, contact_id=contact.id, **given)
        return contact

    def delete(self, tx: Tx, *, org_id: int, reference: str) -> None:
        """Out of lists and searches. Their messages stay, and they are back as soon as they are heard of again."""
        contact = find_contact(tx, self._contacts, reference, org_id=org_id)
        contact.deleted_at = contact.updated_at = self._clock.now()
        tx.session.flush()
        self._contacts.announce(tx, "contact.deleted", contact)

    def restore(self, tx: Tx, *, org_id: int, contact_id: int) -> Contact:
        """Take a deletion back; for a contact that was not deleted, nothing."""
        contact = self._contacts.get(tx, org_id=org_id, contact_id=contact_id)
        self._contacts.bring_back(tx, contact)
        return contact

    def merge(self, tx: Tx, *, org_id: int, into: str, other: str) -> Contact:
        """``other`` goes into ``into``, which keeps its own name and number; both names lead to it from now on."""
        kept = find_contact(tx, self._contacts, into, org_id=org_id)
        gone = find_contact(tx, self._contacts, other, org_id=org_id)
        if kept.id == gone.id:
            raise ConflictError("These two are the same contact already.", code="contacts_are_one")
        self._contacts.merge(tx, gone, into=kept)
        return kept
