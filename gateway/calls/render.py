"""A call as JSON."""

from __future__ import annotations

from gateway.calls.models import PhoneCall
from gateway.contacts.models import Contact
from gateway.kit.ids import render_id
from gateway.kit.times import render_time
from sessions.address import Address, Jid


def caller_of(call: PhoneCall, contact: Contact | None) -> Address:
    """Who called, under every name known."""
    return contact.address if contact is not None else Address.of(Jid.parse(call.caller))


def render_call(call: PhoneCall, contact: Contact | None) -> dict[str, object]:
    """The same in answers and in events."""
    who = caller_of(call, contact)
    return {
        "id": render_id("cal", call.id),
        "session": render_id("ses", call.session_id),
        "contact": render_id("con", contact.id) if contact is not None else None,
        "phone": who.phone,
        "jid": str(who.primary),
        "lid": str(who.lid) if who.lid else None,
        "video": call.video,
        "state": call.state,
        "offered_at": render_time(call.offered_at),
        "ended_at": render_time(call.ended_at),
    }
