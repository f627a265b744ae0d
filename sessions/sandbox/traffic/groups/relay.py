"""Carries messages, receipts and typing inside groups."""

from __future__ import annotations

import time

from sessions.address import Jid
from sessions.sandbox.state.directory import Account, Device, Directory
from sessions.sandbox.state.groups import Group, Groups
from sessions.sandbox.state.statuses import STATUS, StatusList, status_list
from sessions.sandbox.traffic.delivery import Delivery
from sessions.sandbox.traffic.notices import list_hash
from sessions.sandbox.wire.node import Attrs, Node

_COPIED = frozenset({"meta", "biz", "reporting"})
_NOT_FOUND = 404
_FORBIDDEN = 403
_NOT_A_MEMBER = 420


class GroupRelay:
    """What one member sends, every device of every member gets."""

    def __init__(self, *, directory: Directory, groups: Groups, delivery: Delivery) -> None:
        self._directory = directory
        self._groups = groups
        self._delivery = delivery

    def refusal(self, sender: Device, group: Group | None) -> int | None:
        """Why this device may not write there; None where it may."""
        if group is None:
            return _NOT_FOUND
        if sender.account.number not in group.members:
            return _NOT_A_MEMBER
        if group.announce and not group.is_admin(sender.account.number):
            return _FORBIDDEN
        return None

    async def deliver(self, sender: Device, group: Group, message: Node) -> str | None:
        """Deliver to the members; a hash where the sender's list of devices is outdated."""
        participants = message.child("participants")
        if participants is None:
            await self._deliver_again(sender, group, message)
            return None
        told = {to.require_jid("jid"): to.all("enc") for to in participants.all("to")}
        devices = self._devices(group)
        if isinstance(group, StatusList):  # who sees a status is the sender's choice
            devices = [device for device in devices if device.lid in told or device.pn in told]
        for device in devices:
            if device is not sender:
                keys = told.get(device.lid) or told.get(device.pn) or []
                copy = self._copy(sender, group, message, [*keys, *message.all("enc")])
                await self._delivery.deliver(device, copy)
        if all(device is sender or device.lid in told or device.pn in told for device in devices):
            return None
        return list_hash(device.lid for device in devices)

    async def forward(self, reader: Device, group: Group, kind: str, receipt: Node) -> None:
        """Tell who wrote a message what became of it at one member."""
        author = receipt.jid("participant")
        account = self._directory.find(author)
        if account is None or author is None:
            return
        if kind in ("retry", "server-error"):
            target = account.devices.get(author.device)
            await self._tell([target] if target else [], reader, group, kind, receipt)
        elif account is not reader.account and kind not in ("read-self", "played-self"):
            await self._tell(list(account.devices.values()), reader, group, kind, receipt)
        if kind.startswith(("read", "played")) and account is not reader.account:
            await self._tell_own(reader, group, account, kind, receipt)

    async def typing(self, sender: Device, group: Group, typing: Node) -> None:
        """Show all members that somebody types."""
        stanza = Node("chatstate", {"from": group.jid, "participant": sender.account.lid}, typing.content)
        for device in self._devices(group):
            if device.account is not sender.account:
                await self._delivery.deliver(device, stanza)

    async def _deliver_again(self, sender: Device, group: Group, message: Node) -> None:
        """A copy for the one device that could not read the message."""
        device = self._directory.device(message.jid("participant"))
        if device is not None and device.account.number in group.members:
            await self._delivery.deliver(device, self._copy(sender, group, message, message.all("enc")))

    def _copy(self, sender: Device, group: Group, message: Node, encrypted: list[Node]) -> Node:
        content = [*encrypted, *(node for node in message.children if node.tag in _COPIED)]
        identity = message.child("device-identity")
        if identity is not None and any(one.text("type") == "pkmsg" for one in encrypted):
            content.append(identity)
        attrs: Attrs = {name: message.text(name) for name in ("id", "type", "edit")}
        attrs |= {"from": group.jid, "participant": sender.lid, "participant_pn": sender.account.pn}
        attrs |= {"addressing_mode": "lid", "notify": sender.account.name, "t": int(time.time())}
        return Node("message", attrs, content)

    async def _tell(self, devices: list[Device], reader: Device, group: Group, kind: str, receipt: Node) -> None:
        attrs: Attrs = {"from": group.jid, "participant": reader.lid, "id": receipt.text("id"), "type": kind}
        for device in devices:
            if device is not reader:
                stanza = Node("receipt", {**attrs, "t": int(time.time())}, receipt.content)
                await self._delivery.deliver(device, stanza)

    async def _tell_own(self, reader: Device, group: Group, author: Account, kind: str, receipt: Node) -> None:
        """What one device of an account has read, its other devices need not call unread."""
        kind = kind if kind.endswith("-self") else f"{kind}-self"
        attrs: Attrs = {"from": group.jid, "participant": reader.lid, "recipient": author.lid, "type": kind}
        for device in reader.account.devices.values():
            if device is not reader:
                stanza = Node("receipt", {**attrs, "id": receipt.text("id"), "t": int(time.time())}, receipt.content)
                await self._delivery.deliver(device, stanza)

    def _devices(self, group: Group) -> list[Device]:
        accounts = [self._directory.get(number) for number in group.members]
        return [device for account in accounts if account for device in account.reachable()]

    def group(self, jid: Jid | None) -> Group | None:
        """The group at this address, or the list behind the one of statuses."""
        return status_list(self._directory) if jid == STATUS else self._groups.find(jid)
