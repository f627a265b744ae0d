"""Makes, changes, joins and leaves groups, and says what is known of them."""

from __future__ import annotations

from sessions.address import Address, Jid
from sessions.commands.groups import (
    ChangeGroup,
    ChangeMembers,
    CreateGroup,
    FollowInvite,
    GetGroup,
    GetInviteLink,
    GroupFound,
    GroupsListed,
    InspectInvite,
    InviteFollowed,
    InviteLinkFound,
    JoinRequestsListed,
    LeaveGroup,
    LinkGroup,
    ListGroups,
    ListJoinRequests,
    ListSubGroups,
    MembersChanged,
    SetGroupPicture,
    SubGroupsListed,
    UnlinkGroup,
)
from sessions.groups import JoinRequest
from sessions.worker.commands.area import Area, Desk
from sessions.worker.guard import groups


def list_groups(desk: Desk, command: ListGroups) -> GroupsListed:
    return GroupsListed(groups=groups.joined(desk.handle))


def get_group(desk: Desk, command: GetGroup) -> GroupFound:
    return GroupFound(group=groups.info(desk.handle, command.group.primary))


def create_group(desk: Desk, command: CreateGroup) -> GroupFound:
    made = groups.create(
        desk.handle,
        command.subject,
        _jids(command.members),
        is_community=command.is_community,
        community=command.community.primary if command.community else None,
    )
    # What WhatsApp answers to the making of a group also lists those it did not let in; asked again it says who is in.
    return GroupFound(group=groups.info(desk.handle, made.group.primary))


def change_group(desk: Desk, command: ChangeGroup) -> None:
    group = command.group.primary
    if command.subject is not None:
        groups.set_subject(desk.handle, group, command.subject)
    if command.description is not None:
        groups.set_description(desk.handle, group, command.description)
    if command.announce is not None:
        groups.set_announce(desk.handle, group, command.announce)
    if command.locked is not None:
        groups.set_locked(desk.handle, group, command.locked)
    if command.ephemeral_seconds is not None:
        groups.set_timer(desk.handle, group, command.ephemeral_seconds)


def set_picture(desk: Desk, command: SetGroupPicture) -> None:
    groups.set_picture(desk.handle, command.group.primary, command.jpeg)


def change_members(desk: Desk, command: ChangeMembers) -> MembersChanged:
    outcomes = groups.change_members(desk.handle, command.group.primary, command.action, _jids(command.members))
    return MembersChanged(outcomes=outcomes)


def invite_link(desk: Desk, command: GetInviteLink) -> InviteLinkFound:
    return InviteLinkFound(link=groups.invite_link(desk.handle, command.group.primary, renew=command.renew))


def inspect_invite(desk: Desk, command: InspectInvite) -> GroupFound:
    return GroupFound(group=groups.inspect_invite(desk.handle, command.code))


def follow_invite(desk: Desk, command: FollowInvite) -> InviteFollowed:
    group, joined = groups.follow_invite(desk.handle, command.code)
    return InviteFollowed(group=group, joined=joined)


def leave_group(desk: Desk, command: LeaveGroup) -> None:
    groups.leave(desk.handle, command.group.primary)


def list_requests(desk: Desk, command: ListJoinRequests) -> JoinRequestsListed:
    found = groups.requests(desk.handle, command.group.primary)
    return JoinRequestsListed(
        requests=tuple(JoinRequest(who=desk.resolve(one.who), asked_at=one.asked_at) for one in found)
    )


def link_group(desk: Desk, command: LinkGroup) -> None:
    groups.link(desk.handle, command.community.primary, command.group.primary)


def unlink_group(desk: Desk, command: UnlinkGroup) -> None:
    groups.unlink(desk.handle, command.community.primary, command.group.primary)


def list_sub_groups(desk: Desk, command: ListSubGroups) -> SubGroupsListed:
    return SubGroupsListed(groups=groups.sub_groups(desk.handle, command.community.primary))


def _jids(people: tuple[Address, ...]) -> tuple[Jid, ...]:
    """Under the number where there is one: the library turns it into what the group goes by."""
    return tuple(who.pn or who.primary for who in people)


AREA = Area(
    does={
        ListGroups: list_groups,
        GetGroup: get_group,
        CreateGroup: create_group,
        ChangeGroup: change_group,
        SetGroupPicture: set_picture,
        ChangeMembers: change_members,
        GetInviteLink: invite_link,
        InspectInvite: inspect_invite,
        FollowInvite: follow_invite,
        LeaveGroup: leave_group,
        ListJoinRequests: list_requests,
        LinkGroup: link_group,
        UnlinkGroup: unlink_group,
        ListSubGroups: list_sub_groups,
    },
    answered_by_whatsapp=frozenset(
        {
            ListGroups,
            GetGroup,
            CreateGroup,
            ChangeMembers,
            GetInviteLink,
            InspectInvite,
            ListJoinRequests,
            ListSubGroups,
        }
    ),
)
