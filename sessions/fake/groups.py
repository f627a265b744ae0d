"""Groups in memory, shared by the fake's sessions and phones; each change is told to every session in the group."""

from __future__ import annotations

import itertools
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from sessions.address import GROUP_SERVER, Address, Jid
from sessions.commands import groups as say
from sessions.errors import InvalidRequestError, RecipientUnknownError, RefusedError
from sessions.events import GroupChanged, GroupJoined
from sessions.fake.parts import FakeSession
from sessions.fake.world import Answers, FakeWorld
from sessions.groups import (
    INVITE_LINK,
    GroupInfo,
    GroupSummary,
    JoinRequest,
    Member,
    MemberAction,
    MemberOutcome,
    Role,
)

_FIRST = 120363000000000000
_SETTINGS = ("subject", "description", "announce", "locked", "ephemeral_seconds")


@dataclass
class FakeGroup:
    """What WhatsApp would keep of a group."""

    info: GroupInfo
    code: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    approval: bool = False
    requests: dict[Address, float] = field(default_factory=dict)
    picture: bytes = b""

    def role(self, who: Address) -> Role | None:
        return next((member.role for member in self.info.members if member.who == who), None)

    def put(self, who: Address, role: Role | None) -> None:
        """Give somebody a role, or take them out."""
        others = [member for member in self.info.members if member.who != who]
        new = [Member(who=who, role=role)] if role is not None else []
        self.change(members=(*others, *new))

    def change(self, **values: Any) -> None:
        self.info = msgspec.structs.replace(self.info, **values)


class FakeGroups:
    """All groups of one fake WhatsApp."""

    def __init__(self, *, world: FakeWorld) -> None:
        self._world = world
        self._ids = itertools.count(_FIRST)
        self._groups: dict[Address, FakeGroup] = {}

    def get(self, group: Address) -> FakeGroup:
        found = self._groups.get(group)
        if found is None:
            raise RecipientUnknownError
        return found

    def of(self, who: Address) -> list[FakeGroup]:
        return [group for group in self._groups.values() if group.role(who) is not None]

    def children(self, community: Address) -> list[FakeGroup]:
        return [group for group in self._groups.values() if group.info.community == community]

    def by_code(self, text: str) -> FakeGroup:
        code = text.removeprefix(INVITE_LINK)
        found = next((group for group in self._groups.values() if group.code == code), None)
        if found is None:
            raise InvalidRequestError("The invite link is not valid.")
        return found

    def create(self, owner: Address, subject: str, members: Iterable[Address], **more: Any) -> FakeGroup:
        group = Address(other=Jid(str(next(self._ids)), GROUP_SERVER))
        first = Member(who=owner, role=Role.CREATOR)
        rest = tuple(Member(who=who) for who in members)
        made = FakeGroup(
            GroupInfo(
                group=group,
                subject=subject,
                owner=owner,
                created_at=float(int(time.time())),
                members=(first, *rest),
                **more,
            )
        )
        self._groups[group] = made
        self.welcome(made, owner, [member.who for member in made.info.members])
        return made

    def forget(self, group: FakeGroup) -> None:
        del self._groups[group.info.group]

    def welcome(self, group: FakeGroup, actor: Address, people: Iterable[Address], reason: str = "") -> None:
        for session in self._sessions(people):
            self._world.report(session, GroupJoined(group=group.info, actor=actor, reason=reason))

    def tell(self, group: FakeGroup, actor: Address, people: Iterable[Address] | None = None, **change: Any) -> None:
        """Tell the sessions among the members, or among these people."""
        told = GroupChanged(group=group.info.group, actor=actor, timestamp=float(int(time.time())), **change)
        for session in self._sessions(people if people is not None else [one.who for one in group.info.members]):
            self._world.report(session, told)

    def _sessions(self, people: Iterable[Address]) -> list[FakeSession]:
        numbers = {who.phone for who in people}
        return [one for one in self._world.sessions.values() if one.phone and one.phone.number in numbers]


def groups_of(world: FakeWorld) -> FakeGroups:
    """The groups of a world, made when they are first asked for."""
    if world.groups is None:
        world.groups = FakeGroups(world=world)
    found: FakeGroups = world.groups
    return found


def list_groups(world: FakeWorld, session: FakeSession, command: say.ListGroups) -> say.GroupsListed:
    return say.GroupsListed(groups=tuple(group.info for group in groups_of(world).of(_me(session))))


def get_group(world: FakeWorld, session: FakeSession, command: say.GetGroup) -> say.GroupFound:
    return say.GroupFound(group=_mine(world, session, command.group).info)


def create_group(world: FakeWorld, session: FakeSession, command: say.CreateGroup) -> say.GroupFound:
    members = [known for who in command.members if (known := world.known(who)) and known != _me(session)]
    me, groups = _me(session), groups_of(world)
    more = {"is_community": command.is_community, "community": command.community}
    made = groups.create(me, command.subject, members, **more)
    if command.is_community:
        groups.create(me, command.subject, [], community=made.info.group, is_announcements=True, announce=True)
    return say.GroupFound(group=made.info)


def change_group(world: FakeWorld, session: FakeSession, command: say.ChangeGroup) -> None:
    group = _mine(world, session, command.group)
    for name in _SETTINGS:
        value = getattr(command, name)
        if value is None:
            continue
        if group.role(_me(session)) is Role.MEMBER and (name not in ("subject", "description") or group.info.locked):
            raise RefusedError("WhatsApp refused the request (403).")
        group.change(**{name: value})
        groups_of(world).tell(group, _me(session), **{name: value})


def set_picture(world: FakeWorld, session: FakeSession, command: say.SetGroupPicture) -> None:
    _mine(world, session, command.group).picture = command.jpeg


def change_members(world: FakeWorld, session: FakeSession, command: say.ChangeMembers) -> say.MembersChanged:
    lead = _mine if command.action is MemberAction.ADD else _led
    group = lead(world, session, command.group)
    outcomes, done = [], []
    for who in command.members:
        known = world.known(who)
        code = 404 if known is None else _CHANGES[command.action](group, known)
        if known is not None and code == 200:
            done.append(known)
        outcomes.append(MemberOutcome(who=known or who, code=code))
    if done:
        _tell_members(world, session, group, command.action, done)
    return say.MembersChanged(outcomes=tuple(outcomes))


def invite_link(world: FakeWorld, session: FakeSession, command: say.GetInviteLink) -> say.InviteLinkFound:
    group = _led(world, session, command.group)
    if command.renew:
        group.code = secrets.token_urlsafe(16)
        groups_of(world).tell(group, _me(session), invite_link=INVITE_LINK + group.code)
    return say.InviteLinkFound(link=INVITE_LINK + group.code)


def inspect_invite(world: FakeWorld, session: FakeSession, command: say.InspectInvite) -> say.GroupFound:
    return say.GroupFound(group=msgspec.structs.replace(groups_of(world).by_code(command.code).info, members=()))


def follow_invite(world: FakeWorld, session: FakeSession, command: say.FollowInvite) -> say.InviteFollowed:
    groups, me = groups_of(world), _me(session)
    group = groups.by_code(command.code)
    if group.role(me) is None and group.approval:
        group.requests.setdefault(me, time.time())
        return say.InviteFollowed(group=group.info.group, joined=None)
    if group.role(me) is None:
        groups.tell(group, me, joined=(me,))
        group.put(me, Role.MEMBER)
        groups.welcome(group, me, [me], "invite")
    return say.InviteFollowed(group=group.info.group, joined=group.info)


def leave_group(world: FakeWorld, session: FakeSession, command: say.LeaveGroup) -> None:
    group, me = _mine(world, session, command.group), _me(session)
    groups_of(world).tell(group, me, left=(me,))
    group.put(me, None)
    if not group.info.members:
        groups_of(world).forget(group)


def list_requests(world: FakeWorld, session: FakeSession, command: say.ListJoinRequests) -> say.JoinRequestsListed:
    group = _led(world, session, command.group)
    found = tuple(JoinRequest(who=who, asked_at=at) for who, at in group.requests.items())
    return say.JoinRequestsListed(requests=found)


def link_group(world: FakeWorld, session: FakeSession, command: say.LinkGroup) -> None:
    community, group = _led(world, session, command.community), _led(world, session, command.group)
    group.change(community=community.info.group)
    groups_of(world).tell(community, _me(session), linked=group.info.group)
    groups_of(world).tell(group, _me(session), community=community.info.group)


def unlink_group(world: FakeWorld, session: FakeSession, command: say.UnlinkGroup) -> None:
    community, group = _led(world, session, command.community), _led(world, session, command.group)
    group.change(community=None)
    groups_of(world).tell(community, _me(session), unlinked=group.info.group)
    groups_of(world).tell(group, _me(session), left_community=community.info.group)


def list_sub_groups(world: FakeWorld, session: FakeSession, command: say.ListSubGroups) -> say.SubGroupsListed:
    _mine(world, session, command.community)
    found = [group.info for group in groups_of(world).children(command.community)]
    summaries = (
        GroupSummary(group=one.group, subject=one.subject, is_announcements=one.is_announcements) for one in found
    )
    return say.SubGroupsListed(groups=tuple(summaries))


def _add(group: FakeGroup, who: Address) -> int:
    if group.role(who) is not None:
        return 409
    group.put(who, Role.MEMBER)
    return 200


def _remove(group: FakeGroup, who: Address) -> int:
    role = group.role(who)
    if role in (None, Role.CREATOR):
        return 404 if role is None else 406
    group.put(who, None)
    return 200


def _rank(group: FakeGroup, who: Address, role: Role) -> int:
    if group.role(who) is None:
        return 404
    if group.role(who) is not Role.CREATOR:
        new = Member(who=who, role=role)
        members = tuple(new if one.who == who else one for one in group.info.members)
        group.change(members=members)
        return 200
    return 200 if role is Role.ADMIN else 406


_CHANGES: dict[MemberAction, Callable[[FakeGroup, Address], int]] = {
    MemberAction.ADD: _add,
    MemberAction.REMOVE: _remove,
    MemberAction.PROMOTE: lambda group, who: _rank(group, who, Role.ADMIN),
    MemberAction.DEMOTE: lambda group, who: _rank(group, who, Role.MEMBER),
}
_NEWS = {
    MemberAction.ADD: "joined",
    MemberAction.REMOVE: "left",
    MemberAction.PROMOTE: "promoted",
    MemberAction.DEMOTE: "demoted",
}


def _tell_members(
    world: FakeWorld, session: FakeSession, group: FakeGroup, action: MemberAction, people: list[Address]
) -> None:
    groups, me = groups_of(world), _me(session)
    told = [one.who for one in group.info.members]
    if action is MemberAction.ADD:
        groups.welcome(group, me, people)
        told = [who for who in told if who not in people]
    elif action is MemberAction.REMOVE:
        told += people
    groups.tell(group, me, told, **{_NEWS[action]: tuple(people)})


def _me(session: FakeSession) -> Address:
    assert session.phone is not None
    return session.phone.address


def _mine(world: FakeWorld, session: FakeSession, group: Address) -> FakeGroup:
    found = groups_of(world).get(group)
    if found.role(_me(session)) is None:
        raise InvalidRequestError("The account is not in that group.")
    return found


def _led(world: FakeWorld, session: FakeSession, group: Address) -> FakeGroup:
    found = _mine(world, session, group)
    if found.role(_me(session)) is Role.MEMBER:
        raise RefusedError("WhatsApp refused the request (403).")
    return found


ANSWERS: Answers = {
    say.ListGroups: list_groups,
    say.GetGroup: get_group,
    say.CreateGroup: create_group,
    say.ChangeGroup: change_group,
    say.SetGroupPicture: set_picture,
    say.ChangeMembers: change_members,
    say.GetInviteLink: invite_link,
    say.InspectInvite: inspect_invite,
    say.FollowInvite: follow_invite,
    say.LeaveGroup: leave_group,
    say.ListJoinRequests: list_requests,
    say.LinkGroup: link_group,
    say.UnlinkGroup: unlink_group,
    say.ListSubGroups: list_sub_groups,
}
