"""What the owner of a phone does with groups: makes them, changes them, invites, joins and leaves."""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from sessions.address import GROUP_SERVER, InvalidJidError, Jid
from sessions.sandbox.faults.kinds import phone_digits
from sessions.sandbox.phones.line import PhoneLine
from sessions.sandbox.phones.shown import Json
from sessions.sandbox.state.directory import Account, Directory
from sessions.sandbox.state.errors import SandboxError
from sessions.sandbox.state.groups import Group, Groups
from sessions.sandbox.wire.node import GROUPS, SERVER, Node

SPACE = "w:g2"


class GroupUnknownError(SandboxError):
    """The phone is in no such group."""

    code = "group_unknown"


class PhoneGroups:
    """Speaks about groups with the service as any client does."""

    def __init__(self, *, account: Account, directory: Directory, groups: Groups, line: PhoneLine) -> None:
        self._account = account
        self._directory = directory
        self._groups = groups
        self._line = line

    def list(self) -> list[Group]:
        """The groups that the owner is in."""
        return self._groups.of(self._account.number)

    def get(self, name: str) -> Group:
        """One of them, by its address with or without the part behind the ``@``."""
        group = self._groups.find(group_jid(name))
        if group is None or self._account.number not in group.members:
            raise GroupUnknownError
        return group

    async def create(self, subject: str, numbers: Iterable[str], *, community: bool = False, parent: str = "") -> Group:
        """Make a group, a community, or a group inside a community."""
        content = [self._person(number) for number in numbers]
        if community:
            content.append(Node("parent", {"default_membership_approval_mode": "request_required"}))
        if parent:
            content.append(Node("linked_parent", {"jid": self.get(parent).jid}))
        create = Node("create", {"subject": subject, "key": secrets.token_hex(9).upper()}, content)
        answer = await self._line.query(SPACE, create, to=GROUPS)
        return self.get(answer.require("group").text("id"))

    async def change(self, group: Group, change: Node) -> Node:
        """Change something about a group, in the wire's words."""
        return await self._line.query(SPACE, change, to=group.jid)

    async def describe(self, group: Group, text: str) -> None:
        """Write the description, or remove it with an empty text."""
        attrs = {"id": secrets.token_hex(8).upper(), "prev": group.description_id, "delete": "" if text else "true"}
        content = [Node("body", {}, text.encode())] if text else None
        await self.change(group, Node("description", {**attrs}, content))

    async def people(self, group: Group, action: str, numbers: Iterable[str]) -> dict[str, int]:
        """Add, remove, promote or demote; WhatsApp's code for each number, 200 where it worked."""
        asked = list(numbers)
        answer = await self.change(group, Node(action, {}, [self._person(number) for number in asked]))
        codes = [int(one.text("error") or 200) for one in answer.require(action).all("participant")]
        return dict(zip(asked, codes, strict=True))

    async def decide(self, group: Group, action: str, numbers: Iterable[str]) -> None:
        """Let in who asked (``approve``), or do not (``reject``)."""
        decision = Node(action, {}, [self._person(number) for number in numbers])
        await self.change(group, Node("membership_requests_action", {}, [decision]))

    async def revoke_link(self, group: Group) -> str:
        """Replace the invite link; the answer is the new one's code."""
        answer = await self.change(group, Node("invite"))
        return answer.require("invite").text("code")

    async def join(self, code: str) -> str:
        """Follow an invite link; the answer is the group's address."""
        code = code.removeprefix("https://chat.whatsapp.com/")
        answer = await self._line.query(SPACE, Node("invite", {"code": code}), to=GROUPS)
        return str(answer.children[0].require_jid("jid"))

    async def leave(self, group: Group) -> None:
        """Go."""
        await self._line.query(SPACE, Node("leave", {}, [Node("group", {"id": group.jid})]), to=GROUPS)

    async def set_picture(self, group: Group, jpeg: bytes) -> None:
        """Change the picture, or remove it with empty bytes."""
        picture = Node("picture", {"type": "image"}, jpeg) if jpeg else None
        await self._line.query("w:profile:picture", picture, to=SERVER, target=group.jid)

    def describe_json(self, group: Group) -> dict[str, Json]:
        """A group as the control API gives it."""
        return {
            "id": str(group.jid),
            "subject": group.subject,
            "description": group.description,
            "announce": group.announce,
            "locked": group.locked,
            "member_add_mode": group.add_mode.value,
            "approval": group.approval,
            "ephemeral": group.ephemeral,
            "community": f"{group.community}@{GROUP_SERVER}" if group.community else None,
            "is_community": group.is_community,
            "is_announcements": group.is_announcements,
            "invite": f"https://chat.whatsapp.com/{group.code}",
            "requests": list(group.requests),
            "participants": [
                {"number": number, "role": role.value or "member"} for number, role in group.members.items()
            ],
        }

    def _person(self, number: str) -> Node:
        try:
            digits = phone_digits(number)
        except ValueError as error:
            raise SandboxError("this is not a phone number") from error
        account = self._directory.get(digits)
        return Node("participant", {"jid": account.lid if account else Jid(digits)})


def group_jid(name: str) -> Jid:
    """A group's address from what people write."""
    try:
        return Jid.parse(name if "@" in name else f"{name}@{GROUP_SERVER}")
    except InvalidJidError as error:
        raise GroupUnknownError from error
