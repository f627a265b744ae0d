"""Where a chat leads."""

from __future__ import annotations

from gateway.chats.models import Chat
from gateway.contacts.service import Contacts
from gateway.db.tx import Tx
from sessions.address import Address, Jid


def address_of_chat(tx: Tx, chat: Chat, *, contacts: Contacts) -> Address:
    """The WhatsApp address of a chat: its own, or that of its contact."""
    if chat.jid is not None:
        return Address.of(Jid.parse(chat.jid))
    assert chat.contact_id is not None, "a chat has an address or a contact"
    return contacts.get(tx, org_id=chat.org_id, contact_id=chat.contact_id).address
