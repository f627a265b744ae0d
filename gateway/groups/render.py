"""A group as JSON, in answers and in events alike."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.contacts.models import Contact
from gateway.groups.models import Group
from gateway.groups.store import Person
from gateway.kit.ids import render_id
from gateway.kit.times import render_time


def render_group(group: Group, people: Sequence[Person] | None = None) -> dict[str, object]:
    """A group; with its members where they are given."""
    shown: dict[str, object] = {
        "id": render_id("cht", group.chat_id),
        "session": render_id("ses", group.session_id),
        "jid": group.jid,
        "subject": group.subject,
        "description": group.description,
        "owner": render_id("con", group.owner_id) if group.owner_id else None,
        "announce": group.announce,
        "locked": group.locked,
        "ephemeral_seconds": group.ephemeral_seconds,
        "is_community": group.is_community,
        "is_announcements": group.is_announcements,
        "community": group.community_jid,
        "size": group.size,
        "is_member": group.is_member,
        "left_reason": group.left_reason,
        "created_at": render_time(group.made_at),
        "updated_at": render_time(group.updated_at),
    }
    if people is not None:
        shown["participants"] = [render_member(person) for person in people]
    return shown


def render_member(person: Person) -> dict[str, object]:
    """A member with what we know of them."""
    return {**render_person(person.contact), "role": person.role}


def render_person(contact: Contact) -> dict[str, object]:
    """Who somebody is, under every name we know."""
    address = contact.address
    return {
        "contact": render_id("con", contact.id),
        "name": contact.display_name,
        "phone": contact.phone,
        "lid": str(address.lid) if address.lid else None,
    }
