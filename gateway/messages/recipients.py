"""Reads whom a message is for: a phone number, a contact's id, or a WhatsApp address."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.contacts.phones import read_phone, refuse_recipient
from gateway.kit.ids import InvalidIdError, parse_id
from sessions.address import Address, AddressKind, InvalidJidError, Jid

_SENDABLE = (AddressKind.PERSON, AddressKind.GROUP, AddressKind.STATUS, AddressKind.NEWSLETTER)


@dataclass(frozen=True, kw_only=True)
class Recipient:
    """Either a contact of ours or an address; exactly one is set."""

    contact_id: int | None = None
    address: Address | None = None


def read_recipient(text: str, *, field: str = "to") -> Recipient:
    """Understand ``to``; raises InvalidError that names the field."""
    given = text.strip()
    if given.startswith("con_"):
        try:
            return Recipient(contact_id=parse_id("con", given))
        except InvalidIdError as error:
            raise refuse_recipient(field, "This is not the id of a contact.") from error
    if "@" in given:
        return Recipient(address=_read_jid(given, field))
    return Recipient(address=Address.of(Jid.from_phone(read_phone(given, field=field))))


def _read_jid(text: str, field: str) -> Address:
    try:
        address = Address.of(Jid.parse(text))
    except InvalidJidError as error:
        raise refuse_recipient(field, "This is not a WhatsApp address.") from error
    if address.kind not in _SENDABLE:
        raise refuse_recipient(field, "Messages can go to people, groups, channels and `status@broadcast`.")
    if address.kind is not AddressKind.STATUS and not address.primary.user.replace("-", "").isdecimal():
        raise refuse_recipient(field, "This is not a WhatsApp address.")
    return address
