"""What became of people who were added, removed, promoted or demoted, in words."""

from __future__ import annotations

from gateway.contacts.models import Contact
from gateway.kit.ids import render_id
from gateway.kit.times import from_epoch, render_time
from sessions.address import Address
from sessions.groups import MemberOutcome

WORKED = 200
_SENTENCES = {
    401: "This person has blocked the account.",
    403: "This person does not let others add them to groups: send them the invitation.",
    404: "Nobody on WhatsApp has this number, or this person is not in the group.",
    406: "WhatsApp does not allow this: who made the group cannot be removed or demoted.",
    408: "This person has left the group a short while ago.",
    409: "This person is in the group already.",
    419: "The group is full.",
}
_OTHER = "WhatsApp refused this."


def render_outcome(
    given: str, who: Address, outcome: MemberOutcome | None, contact: Contact | None
) -> dict[str, object]:
    """One person's outcome as JSON; of whom WhatsApp says nothing, nothing has become."""
    code = outcome.code if outcome is not None else 404
    lid = contact.address.lid if contact else who.lid
    invitation = outcome.invitation if outcome else None
    return {
        "participant": given,
        "contact": render_id("con", contact.id) if contact else None,
        "phone": contact.phone if contact else who.phone,
        "lid": str(lid) if lid else None,
        "ok": code == WORKED,
        "code": code,
        "detail": None if code == WORKED else _SENTENCES.get(code, _OTHER),
        "invitation": {"code": invitation.code, "expires_at": render_time(from_epoch(invitation.expires_at))}
        if invitation
        else None,
    }
