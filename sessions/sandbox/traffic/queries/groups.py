"""Namespace ``w:g2``, what is asked: which groups there are, who is in them, where a link leads."""

from __future__ import annotations

from sessions.sandbox.state.groups import Group, Groups
from sessions.sandbox.traffic.groups.nodes import GroupNodes
from sessions.sandbox.traffic.queries.registry import (
    FORBIDDEN,
    GONE,
    NOT_ACCEPTABLE,
    NOT_AUTHORIZED,
    NOT_FOUND,
    Query,
    Routes,
)
from sessions.sandbox.wire.node import Node

SPACE = "w:g2"


class GroupQueries:
    """Answers questions; those about a group only to its members."""

    def __init__(self, *, groups: Groups, nodes: GroupNodes) -> None:
        self._groups = groups
        self._nodes = nodes

    def routes(self) -> Routes:
        """What is answered here."""
        return {
            ("get", SPACE, "participating"): self._participating,
            ("get", SPACE, "query"): self._query,
            ("get", SPACE, "invite"): self._invite,
            ("get", SPACE, "sub_groups"): self._sub_groups,
            ("get", SPACE, "linked_groups_participants"): self._linked_members,
            ("get", SPACE, "membership_approval_requests"): self._requests,
        }

    async def _participating(self, query: Query) -> list[Node]:
        groups = self._groups.of(query.device.account.number)
        return [Node("groups", {}, [self._nodes.group(group) for group in groups])]

    async def _query(self, query: Query) -> list[Node]:
        number = query.device.account.number
        request = query.child.child("add_request")
        if request is not None:
            invited = self._groups.find(query.stanza.jid("to"))
            invitation = invited.invitations.get(number) if invited else None
            if invited is None or invitation is None or invitation.code != request.text("code"):
                raise NOT_FOUND
            return [self._nodes.group(invited, members=False)]
        return [self._nodes.group(member_group(self._groups, query))]

    async def _invite(self, query: Query) -> list[Node]:
        code = query.child.text("code")
        if code:
            return [self._nodes.group(linked_group(self._groups, code), members=False)]
        return [invite_of(member_group(self._groups, query), query)]

    async def _sub_groups(self, query: Query) -> list[Node]:
        community = member_group(self._groups, query)
        children = [self._nodes.summary(group) for group in self._groups.children(community)]
        return [Node("sub_groups", {}, children)]

    async def _linked_members(self, query: Query) -> list[Node]:
        community = member_group(self._groups, query)
        numbers = dict.fromkeys(number for group in self._groups.children(community) for number in group.members)
        people = [self._nodes.person(number) for number in numbers]
        return [Node("linked_groups_participants", {}, people)]

    async def _requests(self, query: Query) -> list[Node]:
        group = member_group(self._groups, query)
        if not group.is_admin(query.device.account.number):
            raise FORBIDDEN
        asked = []
        for number, since in group.requests.items():
            person = self._nodes.person(number)
            attrs = {"jid": person.attrs["jid"], "phone_number": person.attrs["phone_number"], "request_time": since}
            asked.append(Node("membership_approval_request", attrs))
        return [Node("membership_approval_requests", {}, asked)]


def member_group(groups: Groups, query: Query) -> Group:
    """The group that a question is about, if it is there and who asks is in it."""
    group = groups.find(query.stanza.jid("to"))
    if group is None:
        raise NOT_FOUND
    if query.device.account.number not in group.members:
        raise FORBIDDEN
    return group


def linked_group(groups: Groups, code: str) -> Group:
    """The group that an invite link leads to."""
    group = groups.by_code(code)
    if group is None:
        raise GONE if groups.is_revoked(code) else NOT_ACCEPTABLE
    return group


def invite_of(group: Group, query: Query) -> Node:
    """The invite link of a group, for its admins."""
    if not group.is_admin(query.device.account.number):
        raise NOT_AUTHORIZED
    return Node("invite", {"code": group.code})
