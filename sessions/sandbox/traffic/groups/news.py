"""Notifications of groups (``w:gp2``): every device of every member hears of every change."""

from __future__ import annotations

from collections.abc import Iterable

from sessions.sandbox.state.directory import Account, Device, Directory
from sessions.sandbox.state.groups import Group
from sessions.sandbox.traffic.groups.nodes import GroupNodes
from sessions.sandbox.traffic.notices import Notices
from sessions.sandbox.wire.node import Attrs, Node


class GroupNews:
    """Tells members."""

    def __init__(self, *, directory: Directory, notices: Notices, nodes: GroupNodes) -> None:
        self._directory = directory
        self._notices = notices
        self._nodes = nodes

    async def tell(self, group: Group, actor: Account, change: Node, *, numbers: Iterable[str] | None = None) -> None:
        """Tell all members of a change, or only these people."""
        attrs: Attrs = {**self._nodes.actor(actor), "notify": actor.name, "addressing_mode": "lid"}
        for device in self._devices(group.members if numbers is None else numbers):
            await self._notices.notify(device, "w:gp2", [change], sender=group.jid, **attrs)

    async def welcome(self, group: Group, actor: Account, numbers: Iterable[str], **why: str) -> None:
        """Tell people that they are in a group now, with all there is to know about it."""
        create = Node("create", {**why}, [self._nodes.group(group)])
        await self.tell(group, actor, create, numbers=numbers)

    async def picture(self, group: Group, actor: Account) -> None:
        """Tell all members of a new picture, or that there is none any more."""
        tag = "set" if group.picture_id else "delete"
        change = Node(tag, {"jid": group.jid, "id": group.picture_id, "author": actor.lid})
        for device in self._devices(group.members):
            await self._notices.notify(device, "picture", [change], sender=group.jid)

    def _devices(self, numbers: Iterable[str]) -> list[Device]:
        accounts = [self._directory.get(number) for number in numbers]
        return [device for account in accounts if account for device in account.devices.values()]
