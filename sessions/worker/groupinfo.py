"""Groups as the engine writes them, as our own values."""

from __future__ import annotations

from typing import Any

from sessions.address import Address
from sessions.groups import GroupInfo, GroupSummary, Invitation, Member, MemberOutcome, Role
from sessions.worker.jids import address, seconds, text

_WORKED = 200


def read_group(found: Any) -> GroupInfo:
    community = address(found.GroupLinkedParent.LinkedParentJID)
    return GroupInfo(
        group=address(found.JID),
        subject=text(found.GroupName.Name),
        description=text(found.GroupTopic.Topic),
        owner=known(found.OwnerJID, found.OwnerPN),
        created_at=float(found.GroupCreated) if found.GroupCreated > 0 else None,
        announce=found.GroupAnnounce.IsAnnounce,
        locked=found.GroupLocked.isLocked,
        ephemeral_seconds=seconds(found.GroupEphemeral.DisappearingTimer) if found.GroupEphemeral.IsEphemeral else 0,
        is_community=found.GroupParent.IsParent,
        is_announcements=found.GroupIsDefaultSub.IsDefaultSubGroup,
        community=community if community != Address() else None,
        members=tuple(read_member(one) for one in found.Participants if not one.Error),
    )


def read_member(found: Any) -> Member:
    role = Role.CREATOR if found.IsSuperAdmin else Role.ADMIN if found.IsAdmin else Role.MEMBER
    return Member(who=_who(found), role=role)


def read_outcome(found: Any) -> MemberOutcome:
    invitation = None
    if found.HasField("AddRequest"):
        request = found.AddRequest
        invitation = Invitation(code=text(request.Code), expires_at=float(request.Expiration))
    return MemberOutcome(who=_who(found), code=found.Error or _WORKED, invitation=invitation)


def read_summary(found: Any) -> GroupSummary:
    return GroupSummary(
        group=address(found.JID),
        subject=text(found.GroupName.Name),
        is_announcements=found.GroupIsDefaultSub.IsDefaultSubGroup,
    )


def known(*jids: Any) -> Address | None:
    """Somebody under all the names the engine gives; None where it gives none."""
    found = address(*jids)
    return found if found != Address() else None


def _who(found: Any) -> Address:
    return address(found.LID, found.PhoneNumber, found.JID)
