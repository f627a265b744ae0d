"""Namespace ``w:g2``, communities: groups put into one and taken out again."""

from __future__ import annotations

from sessions.sandbox.state.directory import Account
from sessions.sandbox.state.groups import Group, Groups
from sessions.sandbox.traffic.groups.news import GroupNews
from sessions.sandbox.traffic.groups.nodes import GroupNodes
from sessions.sandbox.traffic.queries.groups import SPACE, member_group
from sessions.sandbox.traffic.queries.registry import BAD_REQUEST, FORBIDDEN, Query, Routes
from sessions.sandbox.wire.node import Node

_SUB = "sub_group"
_PARENT = "parent_group"


class CommunityQueries:
    """Links and unlinks; both the community and the group must be led by who asks."""

    def __init__(self, *, groups: Groups, nodes: GroupNodes, news: GroupNews) -> None:
        self._groups = groups
        self._nodes = nodes
        self._news = news

    def routes(self) -> Routes:
        """What is answered here."""
        return {("set", SPACE, "links"): self._link, ("set", SPACE, "unlink"): self._unlink}

    async def _link(self, query: Query) -> list[Node]:
        community, actor = self._community(query), query.device.account
        answers = []
        for named in query.child.require("link").all("group"):
            group, code = self._child(named, actor)
            if group is not None and code is None and group.community:
                code = 409
            if group is not None and code is None:
                group.community = community.id
                self._groups.save(group)
                await self._tell(community, group, actor, "link", "link_type")
            answers.append(Node("group", {"jid": named.jid("jid"), "error": code}))
        return [Node("links", {}, [Node("link", {"link_type": _SUB}, answers)])]

    async def _unlink(self, query: Query) -> list[Node]:
        community, actor = self._community(query), query.device.account
        answers = []
        for named in query.child.all("group"):
            group, code = self._child(named, actor)
            if group is not None and code is None and group.community != community.id:
                code = 404
            if group is not None and code is None:
                group.community = ""
                self._groups.save(group)
                await self._tell(community, group, actor, "unlink", "unlink_type")
            answers.append(Node("group", {"jid": named.jid("jid"), "error": code}))
        return [Node("unlink", {"unlink_type": _SUB}, answers)]

    def _community(self, query: Query) -> Group:
        community = member_group(self._groups, query)
        if not community.is_community:
            raise BAD_REQUEST
        if not community.is_admin(query.device.account.number):
            raise FORBIDDEN
        return community

    def _child(self, named: Node, actor: Account) -> tuple[Group | None, int | None]:
        group = self._groups.find(named.jid("jid"))
        if group is None:
            return None, 404
        return group, None if group.is_admin(actor.number) and not group.is_community else 403

    async def _tell(self, community: Group, group: Group, actor: Account, tag: str, kind: str) -> None:
        reason = "unlink_group" if tag == "unlink" else ""
        below = Node(tag, {kind: _SUB, "unlink_reason": reason}, [self._nodes.summary(group)])
        above = Node(tag, {kind: _PARENT, "unlink_reason": reason}, [self._nodes.summary(community)])
        await self._news.tell(community, actor, below)
        await self._news.tell(group, actor, above)
