"""Keeps who is in a group, each person once, under whatever name WhatsApp uses for them."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.contacts.models import Contact
from gateway.contacts.service import Contacts
from gateway.db.tx import Tx
from gateway.groups import store
from gateway.groups.models import Group, GroupMember
from gateway.kit.clock import Clock
from sessions.address import Address, AddressKind
from sessions.groups import Member, Role

_RANKS = {Role.MEMBER.value: 0, Role.ADMIN.value: 1, Role.CREATOR.value: 1}
_ROLES = {"add": Role.MEMBER, "promote": Role.ADMIN, "demote": Role.MEMBER}


class Roster:
    """Members are contacts; each call says who is new, gone, risen or fallen."""

    def __init__(self, *, clock: Clock, contacts: Contacts) -> None:
        self._clock = clock
        self._contacts = contacts

    def replace(self, tx: Tx, group: Group, members: Sequence[Member]) -> dict[str, list[Contact]]:
        """These are all members now; what is different by what has happened to whom."""
        people = [(self._identify(tx, group, member.who), member.role) for member in members if _is_person(member.who)]
        known = store.roles(tx, org_id=group.org_id, chat_id=group.chat_id)
        news: dict[str, list[Contact]] = {}
        wanted = {contact.id: (contact, role) for contact, role in people if contact.merged_into_id is None}
        for contact, role in wanted.values():
            happened = self._put(tx, group, known.get(contact.id), contact, role)
            if happened:
                news.setdefault(happened, []).append(contact)
        gone = [contact_id for contact_id in known if contact_id not in wanted]
        if gone:
            news["remove"] = [self._contacts.get(tx, org_id=group.org_id, contact_id=one) for one in gone]
            store.remove_members(tx, org_id=group.org_id, chat_id=group.chat_id, contact_ids=gone)
        group.size = len(wanted)
        tx.session.flush()
        return news

    def change(self, tx: Tx, group: Group, action: str, people: Sequence[Address]) -> list[Contact]:
        """Those of these people for whom something has changed."""
        named = [self._identify(tx, group, who) for who in people if _is_person(who)]
        # Somebody may be named twice, under two addresses of which a third has told that they are one person's.
        contacts = list({contact.id: contact for contact in named if contact.merged_into_id is None}.values())
        known = store.roles(tx, org_id=group.org_id, chat_id=group.chat_id)
        if action == "remove":
            changed = [contact for contact in contacts if contact.id in known]
            ids = [contact.id for contact in changed]
            store.remove_members(tx, org_id=group.org_id, chat_id=group.chat_id, contact_ids=ids)
            group.size = len(known) - len(ids)
        else:
            role = _ROLES[action]
            changed = [one for one in contacts if self._put(tx, group, known.get(one.id), one, role) == action]
            group.size = len(known.keys() | {contact.id for contact in contacts})
        tx.session.flush()
        return changed

    def _put(self, tx: Tx, group: Group, member: GroupMember | None, contact: Contact, role: Role) -> str | None:
        """Write a person down; what has happened to them, if anything has."""
        if member is None:
            now = self._clock.now()
            row = GroupMember(
                chat_id=group.chat_id, contact_id=contact.id, org_id=group.org_id, role=role.value, since=now
            )
            tx.add(row)
            return "add"
        before, after = _RANKS[member.role], _RANKS[role.value]
        if before != after or role is Role.CREATOR:
            member.role = role.value
        return None if before == after else "promote" if after > before else "demote"

    def _identify(self, tx: Tx, group: Group, who: Address) -> Contact:
        return self._contacts.identify(tx, org_id=group.org_id, address=who)


def _is_person(who: Address) -> bool:
    return who != Address() and who.kind is AddressKind.PERSON
