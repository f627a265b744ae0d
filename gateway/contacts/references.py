"""Finds the contact that a caller names: by id, by any number or by any WhatsApp address that leads to them."""

from __future__ import annotations

from gateway.contacts.models import Contact
from gateway.contacts.phones import read_phone
from gateway.contacts.service import Contacts
from gateway.db.tx import Tx
from gateway.kit.errors import InvalidError, NotFoundError
from gateway.kit.ids import InvalidIdError, parse_id
from sessions.address import Address, AddressKind, InvalidJidError, Jid


def find_contact(tx: Tx, contacts: Contacts, reference: str, *, org_id: int) -> Contact:
    """``con_...``, ``+4915112345678`` or ``77001@lid``; raises NotFoundError, for what was deleted as well."""
    if reference.startswith("con_"):
        contact: Contact | None = _by_id(tx, contacts, reference, org_id=org_id)
    else:
        address = read_person(reference)
        contact = None if address is None else contacts.find_by_address(tx, org_id=org_id, address=address)
    if contact is None or contact.deleted_at is not None:
        raise NotFoundError("There is no such contact.", code="contact_not_found")
    return contact


def read_person(text: str) -> Address | None:
    """The address of a person from a number or a WhatsApp address; None for what is neither."""
    try:
        address = Address.of(Jid.parse(text) if "@" in text else Jid.from_phone(read_phone(text, field="id")))
    except (InvalidJidError, InvalidError):
        return None
    is_person = address.kind is AddressKind.PERSON and address.primary.user.isdecimal()
    return address if is_person else None


def _by_id(tx: Tx, contacts: Contacts, reference: str, *, org_id: int) -> Contact:
    try:
        contact_id = parse_id("con", reference)
    except InvalidIdError as error:
        raise NotFoundError("There is no such contact.", code="contact_not_found") from error
    return contacts.get(tx, org_id=org_id, contact_id=contact_id)
