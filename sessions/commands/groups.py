"""Commands about groups and communities."""

from __future__ import annotations

from sessions.address import Address
from sessions.commands.base import Command, Result
from sessions.groups import GroupInfo, GroupSummary, JoinRequest, MemberAction, MemberOutcome


class ListGroups(Command, frozen=True, tag="list_groups"):
    """All groups that the account is in."""


class GetGroup(Command, frozen=True, tag="get_group"):
    group: Address


class CreateGroup(Command, frozen=True, tag="create_group"):
    """A new group; ``is_community`` makes a community, ``community`` puts it into one."""

    subject: str
    members: tuple[Address, ...] = ()
    is_community: bool = False
    community: Address | None = None


class ChangeGroup(Command, frozen=True, tag="change_group"):
    """What is given becomes so, one after the other; the first that WhatsApp refuses ends it."""

    group: Address
    subject: str | None = None
    description: str | None = None
    announce: bool | None = None
    locked: bool | None = None
    ephemeral_seconds: int | None = None


class SetGroupPicture(Command, frozen=True, tag="set_group_picture"):
    group: Address
    jpeg: bytes


class ChangeMembers(Command, frozen=True, tag="change_members"):
    group: Address
    action: MemberAction
    members: tuple[Address, ...]


class GetInviteLink(Command, frozen=True, tag="invite_link"):
    """The link by which people join; ``renew`` makes another and the old one useless."""

    group: Address
    renew: bool = False


class InspectInvite(Command, frozen=True, tag="inspect_invite"):
    """Where an invite link leads, without following it."""

    code: str


class FollowInvite(Command, frozen=True, tag="follow_invite"):
    code: str


class LeaveGroup(Command, frozen=True, tag="leave_group"):
    group: Address


class ListJoinRequests(Command, frozen=True, tag="join_requests"):
    group: Address


class LinkGroup(Command, frozen=True, tag="link_group"):
    """Put a group into a community."""

    community: Address
    group: Address


class UnlinkGroup(Command, frozen=True, tag="unlink_group"):
    community: Address
    group: Address


class ListSubGroups(Command, frozen=True, tag="sub_groups"):
    community: Address


class GroupsListed(Result, frozen=True, tag="groups_listed"):
    groups: tuple[GroupInfo, ...]


class GroupFound(Result, frozen=True, tag="group_found"):
    group: GroupInfo


class MembersChanged(Result, frozen=True, tag="members_changed"):
    outcomes: tuple[MemberOutcome, ...]


class InviteLinkFound(Result, frozen=True, tag="invite_link_found"):
    link: str


class InviteFollowed(Result, frozen=True, tag="invite_followed"):
    group: Address
    joined: GroupInfo | None  #: None: an admin has to let the account in first


class JoinRequestsListed(Result, frozen=True, tag="join_requests_listed"):
    requests: tuple[JoinRequest, ...]


class SubGroupsListed(Result, frozen=True, tag="sub_groups_listed"):
    groups: tuple[GroupSummary, ...]


GroupCommand = (
    ListGroups
    | GetGroup
    | CreateGroup
    | ChangeGroup
    | SetGroupPicture
    | ChangeMembers
    | GetInviteLink
    | InspectInvite
    | FollowInvite
    | LeaveGroup
    | ListJoinRequests
    | LinkGroup
    | UnlinkGroup
    | ListSubGroups
)
GroupResult = (
    GroupsListed | GroupFound | MembersChanged | InviteLinkFound | InviteFollowed | JoinRequestsListed | SubGroupsListed
)
