"""Who comes into a group and who goes: added, removed, invited, let in, promoted, gone."""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from sessions.address import Jid
from sessions.sandbox.state.directory import Account, Directory
from sessions.sandbox.state.groups import AddMode, Group, Groups, Invitation, Role
from sessions.sandbox.traffic.groups.news import GroupNews
from sessions.sandbox.traffic.groups.nodes import GroupNodes
from sessions.sandbox.traffic.queries.registry import BAD_REQUEST, FORBIDDEN, GONE, NOT_ACCEPTABLE, NOT_FOUND
from sessions.sandbox.wire.node import Attrs, Node

MOST_MEMBERS = 1024
_INVITATION_SECONDS = 3 * 86_400

#: Does something about one person; the answer is WhatsApp's code for why not, None for done.
_Step: TypeAlias = Callable[[Group, Account, Account], int | None]


class Membership:
    """Changes the list of members as WhatsApp allows it, and tells those whom it concerns."""

    def __init__(self, *, directory: Directory, groups: Groups, news: GroupNews, nodes: GroupNodes) -> None:
        self._directory = directory
        self._groups = groups
        self._news = news
        self._nodes = nodes
        self._steps: dict[str, tuple[_Step, Callable[[Group, Account, list[Account]], Awaitable[None]]]] = {
            "add": (self._add, self._tell_added),
            "remove": (self._remove, self._tell_removed),
            "promote": (self._promote, self._tell_promoted),
            "demote": (self._demote, self._tell_demoted),
        }

    async def change(self, group: Group, actor: Account, action: str, people: list[Jid]) -> Node:
        """Add, remove, promote or demote; the answer says of each person what became of it."""
        self._check_may(group, actor, action)
        step, tell = self._steps[action]
        done: list[Account] = []
        answers = []
        for jid in people:
            account = self._directory.find(jid)
            code = 404 if account is None else step(group, actor, account)
            if account is not None and code is None:
                done.append(account)
            answers.append(self._answer(group, jid, account, code))
        if done:
            group.version += 1
            self._groups.save(group)
            await tell(group, actor, done)
        return Node(action, {}, answers)

    async def start(self, group: Group, creator: Account, people: list[Jid], *, key: str) -> list[Node]:
        """The first members of a new group."""
        answers = []
        for jid in people:
            account = self._directory.find(jid)
            if account is creator:
                continue
            code = 404 if account is None else self._add(group, creator, account)
            if code is not None:
                answers.append(self._answer(group, jid, account, code))
        self._groups.save(group)
        await self._news.welcome(group, creator, [creator.number], type="new", key=key)
        others = [number for number in group.members if number != creator.number]
        await self._news.welcome(group, creator, others, type="new")
        return answers

    async def join(self, group: Group, account: Account) -> bool:
        """Somebody follows the invite link; False where an admin must let them in first."""
        if account.number in group.members:
            return True
        if len(group.members) >= MOST_MEMBERS:
            raise NOT_ACCEPTABLE
        if group.approval:
            group.requests.setdefault(account.number, int(time.time()))
            self._groups.save(group)
            admins = [number for number in group.members if group.is_admin(number)]
            asked = Node("created_membership_requests", {"request_method": "invite_link"}, [self._who(account)])
            await self._news.tell(group, account, asked, numbers=admins)
            return False
        await self._enter(group, account, account, reason="invite")
        return True

    async def accept(self, group: Group, account: Account, code: str) -> None:
        """Somebody follows an invitation that was made for them."""
        invitation = group.invitations.get(account.number)
        if invitation is None or invitation.code != code:
            raise NOT_FOUND
        if invitation.expires_at < time.time():
            raise GONE
        admin = self._directory.get(invitation.admin)
        await self._enter(group, admin or account, account, reason="invite")

    async def decide(self, group: Group, actor: Account, people: list[Jid], *, approve: bool) -> Node:
        """Let in who asked, or do not."""
        if not group.is_admin(actor.number):
            raise FORBIDDEN
        answers = []
        for jid in people:
            account = self._directory.find(jid)
            asked = account is not None and group.requests.pop(account.number, None) is not None
            if account is not None and asked and approve:
                await self._enter(group, actor, account, reason="linked_group_join")
            answers.append(self._answer(group, jid, account, None if asked else 404))
        self._groups.save(group)
        return Node("approve" if approve else "reject", {}, answers)

    async def leave(self, group: Group, account: Account) -> None:
        """A member goes; the last one leaves no group behind."""
        role = group.members.pop(account.number, None)
        if role is None:
            raise NOT_FOUND
        group.version += 1
        left = Node("remove", self._versions(group), [self._who(account)])
        await self._news.tell(group, account, left, numbers=[*group.members, account.number])
        if not group.members:
            self._groups.delete(group)
            return
        self._groups.save(group)
        if not any(group.is_admin(number) for number in group.members):
            await self._succeed(group, account)

    async def _succeed(self, group: Group, account: Account) -> None:
        """The last admin is gone: the oldest member becomes one."""
        heir = self._directory.get(next(iter(group.members)))
        if heir is not None:
            group.members[heir.number] = Role.ADMIN
            self._groups.save(group)
            await self._tell_promoted(group, account, [heir])

    async def _enter(self, group: Group, actor: Account, account: Account, *, reason: str) -> None:
        group.members[account.number] = Role.MEMBER
        group.requests.pop(account.number, None)
        group.invitations.pop(account.number, None)
        group.version += 1
        self._groups.save(group)
        others = [number for number in group.members if number != account.number]
        added = Node("add", {**self._versions(group), "reason": reason}, [self._who(account)])
        await self._news.tell(group, actor, added, numbers=others)
        await self._news.welcome(group, actor, [account.number], reason=reason)

    def _check_may(self, group: Group, actor: Account, action: str) -> None:
        if actor.number not in group.members:
            raise FORBIDDEN
        everybody = action == "add" and group.add_mode is AddMode.EVERYBODY
        if not everybody and not group.is_admin(actor.number):
            raise FORBIDDEN
        if action not in self._steps:
            raise BAD_REQUEST

    def _add(self, group: Group, actor: Account, account: Account) -> int | None:
        if account.number in group.members:
            return 409
        if account.record.privacy.get("groupadd") == "none" or actor.number in account.record.blocked:
            expires = int(time.time()) + _INVITATION_SECONDS
            group.invitations[account.number] = Invitation(secrets.token_urlsafe(8), actor.number, expires)
            self._groups.save(group)
            return 403
        if len(group.members) >= MOST_MEMBERS:
            return 419
        group.members[account.number] = Role.MEMBER
        group.requests.pop(account.number, None)
        return None

    def _remove(self, group: Group, actor: Account, account: Account) -> int | None:
        if account.number not in group.members:
            return 404
        if group.members[account.number] is Role.CREATOR:
            return 406
        del group.members[account.number]
        return None

    def _promote(self, group: Group, actor: Account, account: Account) -> int | None:
        if account.number not in group.members:
            return 404
        if group.members[account.number] is Role.MEMBER:
            group.members[account.number] = Role.ADMIN
        return None

    def _demote(self, group: Group, actor: Account, account: Account) -> int | None:
        if account.number not in group.members:
            return 404
        if group.members[account.number] is Role.CREATOR:
            return 406
        group.members[account.number] = Role.MEMBER
        return None

    async def _tell_added(self, group: Group, actor: Account, people: list[Account]) -> None:
        new = [account.number for account in people]
        others = [number for number in group.members if number not in new]
        added = Node("add", self._versions(group), [self._who(account) for account in people])
        await self._news.tell(group, actor, added, numbers=others)
        await self._news.welcome(group, actor, new)

    async def _tell_removed(self, group: Group, actor: Account, people: list[Account]) -> None:
        removed = Node("remove", self._versions(group), [self._who(account) for account in people])
        numbers = [*group.members, *(account.number for account in people)]
        await self._news.tell(group, actor, removed, numbers=numbers)

    async def _tell_promoted(self, group: Group, actor: Account, people: list[Account]) -> None:
        await self._news.tell(group, actor, Node("promote", self._versions(group), [self._who(one) for one in people]))

    async def _tell_demoted(self, group: Group, actor: Account, people: list[Account]) -> None:
        await self._news.tell(group, actor, Node("demote", self._versions(group), [self._who(one) for one in people]))

    def _versions(self, group: Group) -> Attrs:
        return {"v_id": group.version, "prev_v_id": group.version - 1}

    def _who(self, account: Account) -> Node:
        return Node("participant", {"jid": account.lid, "phone_number": account.pn})

    def _answer(self, group: Group, jid: Jid, account: Account | None, code: int | None) -> Node:
        attrs: Attrs = {"jid": account.lid, "phone_number": account.pn} if account else {"jid": jid}
        answer = Node("participant", {**attrs, "error": code})
        if account is not None and code is None:
            answer.attrs["type"] = group.members.get(account.number, Role.MEMBER).value
        if account is not None and code == 403:
            invitation = group.invitations[account.number]
            request: Attrs = {"code": invitation.code, "expiration": invitation.expires_at}
            answer.content = [Node("add_request", request)]
        return answer
