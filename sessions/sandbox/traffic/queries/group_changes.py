"""Namespace ``w:g2``, what is changed: groups made, described and closed, their members, links and communities."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

from sessions.sandbox.state.directory import Account
from sessions.sandbox.state.groups import AddMode, Group, Groups
from sessions.sandbox.traffic.groups.membership import Membership
from sessions.sandbox.traffic.groups.news import GroupNews
from sessions.sandbox.traffic.groups.nodes import GroupNodes
from sessions.sandbox.traffic.queries.groups import SPACE, invite_of, linked_group, member_group
from sessions.sandbox.traffic.queries.registry import (
    BAD_REQUEST,
    CONFLICT,
    FORBIDDEN,
    NOT_ACCEPTABLE,
    NOT_FOUND,
    Query,
    Routes,
)
from sessions.sandbox.wire.node import Attrs, Node

LONGEST_SUBJECT = 100
LONGEST_DESCRIPTION = 2048
_TIMERS = (0, 86_400, 604_800, 7_776_000)


class GroupChangeQueries:
    """Checks that who asks may do it, does it, and has the members told."""

    def __init__(self, *, groups: Groups, nodes: GroupNodes, news: GroupNews, membership: Membership) -> None:
        self._groups = groups
        self._nodes = nodes
        self._news = news
        self._membership = membership

    def routes(self) -> Routes:
        """What is answered here."""
        people = dict.fromkeys([("set", SPACE, tag) for tag in ("add", "remove", "promote", "demote")], self._people)
        marks = ("announcement", "not_announcement", "locked", "unlocked", "ephemeral", "not_ephemeral")
        settings = (*marks, "member_add_mode", "membership_approval_mode")
        return {
            **people,
            **dict.fromkeys([("set", SPACE, tag) for tag in settings], self._setting),
            ("set", SPACE, "create"): self._create,
            ("set", SPACE, "subject"): self._subject,
            ("set", SPACE, "description"): self._description,
            ("set", SPACE, "invite"): self._invite,
            ("set", SPACE, "accept"): self._accept,
            ("set", SPACE, "leave"): self._leave,
            ("set", SPACE, "membership_requests_action"): self._decide,
        }

    async def _create(self, query: Query) -> list[Node]:
        create, creator = query.child, query.device.account
        subject = _subject(create.text("subject"))
        group = self._groups.create(subject, creator.number)
        group.is_community = create.child("parent") is not None
        group.announce = create.child("announcement") is not None
        group.locked = create.child("locked") is not None
        approval = create.child("membership_approval_mode", "group_join")
        group.approval = approval is not None and approval.text("state") == "on"
        mode = create.child("member_add_mode")
        if mode is not None:
            _add_mode(group, mode)
        ephemeral = create.child("ephemeral")
        group.ephemeral = _timer(ephemeral.text("expiration")) if ephemeral else 0
        self._nest(group, create, creator)
        people = [one.require_jid("jid") for one in create.all("participant")]
        key = create.text("key")
        missing = await self._membership.start(group, creator, people, key=key)
        if group.is_community:
            await self._announcements(group, creator)
        node = self._nodes.group(group)
        return [Node("group", node.attrs, [*node.children, *missing])]

    def _nest(self, group: Group, create: Node, creator: Account) -> None:
        named = create.child("linked_parent")
        if named is None:
            return
        community = self._groups.find(named.jid("jid"))
        if community is None or not community.is_community or not community.is_admin(creator.number):
            self._groups.delete(group)
            raise NOT_FOUND if community is None else FORBIDDEN
        group.community = community.id

    async def _announcements(self, community: Group, creator: Account) -> None:
        """Every community has a group in which its admins tell all members things."""
        group = self._groups.create(community.subject, creator.number)
        group.community, group.is_announcements, group.announce = community.id, True, True
        group.members = dict(community.members)
        await self._membership.start(group, creator, [], key="")

    async def _subject(self, query: Query) -> list[Node]:
        group, actor = self._editable(query), query.device.account
        group.subject = _subject(query.child.data.decode(errors="replace"))
        group.subject_by, group.subject_at = actor.number, int(time.time())
        self._groups.save(group)
        attrs: Attrs = {"subject": group.subject, "s_t": group.subject_at, "s_o": actor.lid, "s_o_pn": actor.pn}
        await self._news.tell(group, actor, Node("subject", attrs))
        return []

    async def _description(self, query: Query) -> list[Node]:
        group, actor = self._editable(query), query.device.account
        if query.child.text("prev") != group.description_id:
            raise CONFLICT
        body = query.child.child("body")
        text = body.data.decode(errors="replace") if body else ""
        if len(text) > LONGEST_DESCRIPTION:
            raise NOT_ACCEPTABLE
        group.description, group.description_by = text, actor.number
        group.description_id = query.child.text("id") or secrets.token_hex(8)
        group.description_at = int(time.time())
        self._groups.save(group)
        content = [Node("body", {}, text.encode())] if text else [Node("delete")]
        await self._news.tell(group, actor, Node("description", {"id": group.description_id}, content))
        return []

    async def _setting(self, query: Query) -> list[Node]:
        group, actor, change = self._governed(query), query.device.account, query.child
        told = _SETTINGS[change.tag](group, change)
        self._groups.save(group)
        await self._news.tell(group, actor, told)
        return []

    async def _people(self, query: Query) -> list[Node]:
        group = member_group(self._groups, query)
        people = [one.require_jid("jid") for one in query.child.all("participant")]
        if not people:
            raise BAD_REQUEST
        return [await self._membership.change(group, query.device.account, query.child.tag, people)]

    async def _invite(self, query: Query) -> list[Node]:
        code, account = query.child.text("code"), query.device.account
        if code:
            group = linked_group(self._groups, code)
            is_in = await self._membership.join(group, account)
            return [Node("group" if is_in else "membership_approval_request", {"jid": group.jid})]
        group = member_group(self._groups, query)
        invite_of(group, query)
        self._groups.revoke_code(group)
        await self._news.tell(group, account, Node("invite", {"code": group.code}))
        return [Node("invite", {"code": group.code})]

    async def _accept(self, query: Query) -> list[Node]:
        group = self._groups.find(query.stanza.jid("to"))
        if group is None:
            raise NOT_FOUND
        await self._membership.accept(group, query.device.account, query.child.text("code"))
        return [Node("group", {"jid": group.jid})]

    async def _leave(self, query: Query) -> list[Node]:
        for named in query.child.all("group"):
            group = self._groups.find(named.jid("id"))
            if group is None:
                raise NOT_FOUND
            await self._membership.leave(group, query.device.account)
        return []

    async def _decide(self, query: Query) -> list[Node]:
        group, decision = member_group(self._groups, query), query.child.children[0]
        people = [one.require_jid("jid") for one in decision.all("participant")]
        approve = decision.tag == "approve"
        answer = await self._membership.decide(group, query.device.account, people, approve=approve)
        return [Node("membership_requests_action", {}, [answer])]

    def _editable(self, query: Query) -> Group:
        """A group whose subject and description this member may change."""
        group = member_group(self._groups, query)
        if group.locked and not group.is_admin(query.device.account.number):
            raise FORBIDDEN
        return group

    def _governed(self, query: Query) -> Group:
        """A group whose rules this member may change."""
        group = member_group(self._groups, query)
        if not group.is_admin(query.device.account.number):
            raise FORBIDDEN
        return group


def _subject(text: str) -> str:
    if not 0 < len(text) <= LONGEST_SUBJECT:
        raise NOT_ACCEPTABLE
    return text


def _timer(text: str) -> int:
    if not text.isdecimal() or int(text) not in _TIMERS:
        raise BAD_REQUEST
    return int(text)


def _announce(group: Group, change: Node) -> Node:
    group.announce = change.tag == "announcement"
    return Node(change.tag, {"v_id": str(int(time.time()))})


def _lock(group: Group, change: Node) -> Node:
    group.locked = change.tag == "locked"
    return Node(change.tag)


def _ephemeral(group: Group, change: Node) -> Node:
    group.ephemeral = _timer(change.text("expiration")) if change.tag == "ephemeral" else 0
    return Node("ephemeral", {"expiration": group.ephemeral}) if group.ephemeral else Node("not_ephemeral")


def _add_mode(group: Group, change: Node) -> Node:
    try:
        group.add_mode = AddMode(change.data.decode(errors="replace"))
    except ValueError as error:
        raise BAD_REQUEST from error
    return Node(change.tag, {}, change.data)


def _approval(group: Group, change: Node) -> Node:
    group.approval = change.require("group_join").text("state") == "on"
    return change


_SETTINGS: dict[str, Callable[[Group, Node], Node]] = {
    "announcement": _announce,
    "not_announcement": _announce,
    "locked": _lock,
    "unlocked": _lock,
    "ephemeral": _ephemeral,
    "not_ephemeral": _ephemeral,
    "member_add_mode": _add_mode,
    "membership_approval_mode": _approval,
}
