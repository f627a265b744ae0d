"""Receipts and acknowledgements: what was delivered, read or played, and what may leave a queue."""

from __future__ import annotations

import time

from sessions.address import LID_SERVER, Jid
from sessions.sandbox.state.directory import Account, Device, Directory
from sessions.sandbox.state.endpoint import Endpoint
from sessions.sandbox.state.store import Store
from sessions.sandbox.traffic.delivery import Delivery
from sessions.sandbox.traffic.groups.relay import GroupRelay
from sessions.sandbox.wire.node import Attrs, Node

#: Receipts about what a person did with a message that the device already has.
_BY_PERSON = frozenset({"read", "read-self", "played", "played-self"})
#: Receipts meant for the service alone.
_FOR_SERVICE = frozenset({"sender", "peer_msg", "hist_sync"})


class Receipts:
    """Takes receipts in, acknowledges them, and tells those whom they concern."""

    def __init__(self, *, directory: Directory, delivery: Delivery, groups: GroupRelay, store: Store) -> None:
        self._directory = directory
        self._groups = groups
        self._delivery = delivery
        self._store = store

    async def receipt(self, endpoint: Endpoint, receipt: Node) -> None:
        """A device says what became of messages."""
        device, to, kind = endpoint.device, receipt.require_jid("to"), receipt.text("type")
        if kind not in _BY_PERSON:
            self._settle_messages(device, to, receipt)
        if kind not in _FOR_SERVICE:
            await self._forward(device, to, kind, receipt)
        self._store.commit()
        attrs: Attrs = {name: receipt.attrs.get(name) for name in ("id", "type", "participant")}
        await endpoint.push(Node("ack", {**attrs, "class": "receipt", "from": to, "t": int(time.time())}))

    async def ack(self, endpoint: Endpoint, ack: Node) -> None:
        """A device has taken a stanza in."""
        tag, number, kind = ack.text("class"), ack.text("id"), ack.text("type")
        other = self._directory.find(ack.jid("to"))

        def is_meant(stanza: Node) -> bool:
            if tag == "receipt" and stanza.text("type") != kind:
                return False
            return other is None or self._directory.find(stanza.jid("from")) is other

        self._delivery.acknowledge(endpoint.device, tag, number, is_meant)

    def _settle_messages(self, device: Device, to: Jid, receipt: Node) -> None:
        ids = {receipt.text("id"), *(item.text("id") for node in receipt.all("list") for item in node.all("item"))}
        other = self._directory.find(to)

        def is_settled(stanza: Node) -> bool:
            return other is None or self._directory.find(stanza.jid("from")) is other

        for number in ids:
            self._delivery.acknowledge(device, "message", number, is_settled)

    async def _forward(self, reader: Device, to: Jid, kind: str, receipt: Node) -> None:
        group = self._groups.group(to)
        if group is not None:
            await self._groups.forward(reader, group, kind, receipt)
            return
        account = self._directory.find(to)
        if account is None:
            return
        own = account is reader.account
        if kind in ("retry", "server-error"):
            # Only the device that encrypted the message can do anything about it.
            target = account.devices.get(to.device)
            await self._tell([target] if target else [], reader, to, kind, receipt)
        elif kind not in ("read-self", "played-self") and not own:
            await self._tell(list(account.devices.values()), reader, to, kind, receipt)
        if kind in _BY_PERSON and not own:
            await self._tell_own(reader, account, to, kind, receipt)

    async def _tell(self, devices: list[Device], reader: Device, to: Jid, kind: str, receipt: Node) -> None:
        attrs: Attrs = {
            "id": receipt.text("id"),
            "type": kind,
            "t": int(time.time()),
            "recipient": receipt.jid("recipient"),
        }
        sender = reader.lid if to.server == LID_SERVER else reader.pn
        for device in devices:
            if device is not reader:
                await self._delivery.deliver(device, Node("receipt", {"from": sender, **attrs}, receipt.content))

    async def _tell_own(self, reader: Device, account: Account, to: Jid, kind: str, receipt: Node) -> None:
        """What one device of an account has read, its other devices need not call unread."""
        kind = kind if kind.endswith("-self") else f"{kind}-self"
        hidden = to.server == LID_SERVER
        attrs: Attrs = {
            "from": reader.account.lid if hidden else reader.account.pn,
            "recipient": account.lid if hidden else account.pn,
            "id": receipt.text("id"),
            "type": kind,
            "t": int(time.time()),
        }
        for device in reader.account.devices.values():
            if device is not reader:
                await self._delivery.deliver(device, Node("receipt", {**attrs}, receipt.content))
