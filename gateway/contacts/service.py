"""Finds the one contact behind any WhatsApp address, and brings together what turns out to be the same person."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime

from gateway.contacts import store
from gateway.contacts.models import AliasKind, Contact
from gateway.contacts.schemas import render_contact
from gateway.contacts.variants import other_form
from gateway.db.tx import Tx
from gateway.events.service import EventLog
from gateway.kit.clock import Clock
from gateway.kit.errors import NotFoundError
from gateway.kit.ids import IdGenerator, render_id
from sessions.address import Address, InvalidJidError

NAME_LIMIT = 200

#: ``(tx, organization, the contact that went, the contact that stays)``
Merged = Callable[[Tx, int, int, int], None]


class Contacts:
    """The address book of every organization."""

    def __init__(self, *, ids: IdGenerator, clock: Clock, events: EventLog) -> None:
        self._ids = ids
        self._clock = clock
        self._events = events
        self._merged: list[Merged] = []

    def when_merged(self, callback: Merged) -> None:
        """Tell the slices above, in the same transaction, that one contact went into another."""
        self._merged.append(callback)

    def identify(self, tx: Tx, *, org_id: int, address: Address, push_name: str | None = None) -> Contact:
        """The contact behind an address, made when nobody is known there.

        When the address joins two names that led to two contacts until now, they become one.
        """
        aliases = _aliases(address)
        known = store.owners(tx, org_id=org_id, aliases=aliases) or self._owners_of_other_form(tx, org_id, address)
        if not known:
            return self._create(tx, org_id=org_id, address=address, push_name=push_name)
        keeper = self._keeper(tx, {contact.id: contact for contact in known.values()})
        for alias in aliases:
            if alias not in known:
                store.add_alias(tx, org_id=org_id, contact_id=keeper.id, alias=alias, at=self._clock.now())
        self._refresh(tx, keeper, address=address, push_name=push_name)
        self.bring_back(tx, keeper)
        return keeper

    def get(self, tx: Tx, *, org_id: int, contact_id: int) -> Contact:
        """The contact with this id; raises NotFoundError."""
        contact = store.find(tx, org_id=org_id, contact_id=contact_id)
        if contact is None:
            raise NotFoundError("There is no such contact.", code="contact_not_found")
        return contact

    def find_by_address(self, tx: Tx, *, org_id: int, address: Address) -> Contact | None:
        """The contact behind an address, if there is one."""
        aliases = _aliases(address)
        known = store.owners(tx, org_id=org_id, aliases=aliases) or self._owners_of_other_form(tx, org_id, address)
        return min(known.values(), key=lambda contact: contact.id) if known else None

    def find_all(self, tx: Tx, *, org_id: int, addresses: Collection[Address]) -> dict[Address, Contact]:
        """Those of many addresses that lead to contacts, found at once."""
        aliases = {address: _aliases(address) for address in addresses}
        known = store.owners(tx, org_id=org_id, aliases=[alias for each in aliases.values() for alias in each])
        found = {address: [known[alias] for alias in each if alias in known] for address, each in aliases.items()}
        return {address: contacts[0] for address, contacts in found.items() if contacts}

    def page(
        self, tx: Tx, *, org_id: int, limit: int, before_id: int | None = None, search: str | None = None
    ) -> Sequence[Contact]:
        """Contacts, newest first."""
        return store.list_page(tx, org_id=org_id, limit=limit, before_id=before_id, search=search)

    def note_interaction(self, tx: Tx, contact: Contact, *, at: datetime) -> None:
        """A contact has written to us."""
        store.note_interaction(tx, org_id=contact.org_id, contact_id=contact.id, at=at)

    def rename(self, tx: Tx, *, org_id: int, contact_id: int, name: str | None) -> Contact:
        """Give a contact our own name for it; None goes back to the push name."""
        return self.change(tx, org_id=org_id, contact_id=contact_id, name=name)

    def change(self, tx: Tx, *, org_id: int, contact_id: int, **values: str | None) -> Contact:
        """Set what we know better than WhatsApp: ``name`` and ``timezone``."""
        contact = self.get(tx, org_id=org_id, contact_id=contact_id)
        for name, value in values.items():
            setattr(contact, name, value)
        contact.updated_at = self._clock.now()
        tx.session.flush()
        self.announce(tx, "contact.updated", contact)
        return contact

    def bring_back(self, tx: Tx, contact: Contact) -> None:
        """A contact that was deleted is wanted, or heard of, again."""
        if contact.deleted_at is not None:
            contact.deleted_at = None
            contact.updated_at = self._clock.now()
            tx.session.flush()
            self.announce(tx, "contact.restored", contact)

    def survivor(self, tx: Tx, *, org_id: int, contact_id: int) -> int:
        """The id of the contact that this one was merged into, or its own."""
        contact = store.find(tx, org_id=org_id, contact_id=contact_id)
        return contact_id if contact is None else contact.id

    def _owners_of_other_form(self, tx: Tx, org_id: int, address: Address) -> dict[store.Alias, Contact]:
        other = other_form(address.phone) if address.phone else None
        return store.owners(tx, org_id=org_id, aliases=[(AliasKind.PHONE, other)]) if other else {}

    def _create(self, tx: Tx, *, org_id: int, address: Address, push_name: str | None) -> Contact:
        now = self._clock.now()
        contact = Contact(
            id=self._ids.new(),
            org_id=org_id,
            push_name=_clean(push_name),
            phone=address.phone,
            lid=address.lid.user if address.lid else None,
            created_at=now,
            updated_at=now,
        )
        if not store.add_unless_known(tx, contact, _aliases(address)):
            # Another connection has just made the same contact; it is visible now.
            return self.identify(tx, org_id=org_id, address=address, push_name=push_name)
        self.announce(tx, "contact.created", contact)
        return contact

    def _keeper(self, tx: Tx, found: dict[int, Contact]) -> Contact:
        """The oldest of these contacts, after the others went into it."""
        keeper, *others = (found[contact_id] for contact_id in sorted(found))
        for contact in others:
            self.merge(tx, contact, into=keeper)
        return keeper

    def merge(self, tx: Tx, contact: Contact, *, into: Contact) -> None:
        """Everything of one contact is the other's from now on; the slices above are told to do the same."""
        store.move_aliases(tx, org_id=into.org_id, from_id=contact.id, into_id=into.id)
        into.name = into.name or contact.name
        into.push_name = into.push_name or contact.push_name
        into.phone = into.phone or contact.phone
        into.lid = into.lid or contact.lid
        into.timezone = into.timezone or contact.timezone
        # What one of the two has said, the person has said.
        into.opted_out_at = into.opted_out_at or contact.opted_out_at
        into.blocked_at = into.blocked_at or contact.blocked_at
        if contact.deleted_at is None:
            into.deleted_at = None
        into.last_interaction_at = max(
            (at for at in (into.last_interaction_at, contact.last_interaction_at) if at is not None), default=None
        )
        store.move_consents(tx, org_id=into.org_id, from_id=contact.id, into_id=into.id)
        contact.merged_into_id = into.id
        contact.updated_at = into.updated_at = self._clock.now()
        tx.session.flush()
        for callback in self._merged:
            callback(tx, into.org_id, contact.id, into.id)
        self.announce(tx, "contact.merged", into, merged=render_id("con", contact.id))

    def _refresh(self, tx: Tx, contact: Contact, *, address: Address, push_name: str | None) -> None:
        """Take over what is new; say nothing and write nothing when nothing is."""
        fresh = {
            AliasKind.PHONE: address.phone or contact.phone,
            AliasKind.LID: address.lid.user if address.lid else contact.lid,
            "push_name": _clean(push_name) or contact.push_name,
        }
        changed = {name: value for name, value in fresh.items() if getattr(contact, name) != value}
        if changed:
            for name, value in changed.items():
                setattr(contact, name, value)
            contact.updated_at = self._clock.now()
            tx.session.flush()

    def announce(self, tx: Tx, event_type: str, contact: Contact, **more: object) -> None:
        """Tell everybody about a contact; its JSON is the event's data."""
        self._events.emit(
            tx,
            org_id=contact.org_id,
            type=event_type,
            subject=("contact", contact.id),
            data=render_contact(contact) | more,
        )


def _aliases(address: Address) -> list[store.Alias]:
    aliases: list[store.Alias] = []
    if address.phone:
        aliases.append((AliasKind.PHONE, address.phone))
    if address.lid:
        aliases.append((AliasKind.LID, address.lid.user))
    if not aliases:
        raise InvalidJidError("only people are contacts, and this address names none")
    return aliases


def _clean(push_name: str | None) -> str | None:
    """A name as WhatsApp gives it can be empty, long or hold a null character, which PostgreSQL refuses."""
    return (push_name or "").replace("\x00", "").strip()[:NAME_LIMIT] or None
