"""Who is there, who is typing, who calls: news that only reaches those who are online."""

from __future__ import annotations

import time

from sessions.address import LID_SERVER, Jid
from sessions.sandbox.state.directory import Account, Device, Directory
from sessions.sandbox.state.endpoint import Endpoint
from sessions.sandbox.traffic.delivery import Delivery
from sessions.sandbox.traffic.groups.relay import GroupRelay
from sessions.sandbox.wire.node import Attrs, Node

_ELSEWHERE = {"accept": "accepted_elsewhere", "reject": "rejected_elsewhere"}


class Presence:
    """Presence, its subscriptions, typing, and calls."""

    def __init__(self, *, directory: Directory, delivery: Delivery, groups: GroupRelay) -> None:
        self._directory = directory
        self._groups = groups
        self._delivery = delivery
        self._available: set[str] = set()
        self._last_seen: dict[str, int] = {}
        # By the number of the account: the devices that want to know about it, and the address they know it by.
        self._subscribers: dict[str, dict[str, tuple[Device, Jid]]] = {}

    async def presence(self, endpoint: Endpoint, stanza: Node) -> None:
        """A device says that it is there or not, or wants to know whether somebody else is."""
        kind = stanza.text("type")
        if kind == "subscribe":
            await self._subscribe(endpoint, stanza.require_jid("to"))
        elif kind == "unsubscribe":
            account = self._directory.find(stanza.jid("to"))
            self._subscribers.get(account.number if account else "", {}).pop(endpoint.device.key, None)
        elif kind in ("available", "unavailable"):
            self._rename(endpoint.device.account, stanza.text("name"))
            await self._change(endpoint.device, available=kind == "available")

    async def gone(self, device: Device) -> None:
        """A device went offline."""
        await self._change(device, available=False)
        for subscribers in self._subscribers.values():
            subscribers.pop(device.key, None)

    async def chatstate(self, endpoint: Endpoint, stanza: Node) -> None:
        """Somebody types, records or pauses."""
        to = stanza.require_jid("to")
        group = self._groups.group(to)
        if group is not None and endpoint.device.account.number in group.members:
            await self._groups.typing(endpoint.device, group, stanza)
            return
        sender = endpoint.device.account
        typing = Node("chatstate", {"from": sender.lid if to.server == LID_SERVER else sender.pn}, stanza.content)
        account = self._directory.find(to)
        for device in account.devices.values() if account and account is not sender else []:
            await self._delivery.deliver(device, typing)

    async def call(self, endpoint: Endpoint, stanza: Node) -> None:
        """A step of a call: offer, accept, reject, terminate. Sound and pictures are none of our business."""
        to, sender = stanza.require_jid("to"), endpoint.device
        kind = stanza.children[0].tag if stanza.children else None
        attrs: Attrs = {"class": "call", "from": to, "id": stanza.text("id"), "type": kind, "t": int(time.time())}
        await endpoint.push(Node("ack", attrs))
        account = self._directory.find(to)
        if account is None:
            return
        base: Attrs = {
            "id": stanza.text("id"),
            "t": int(time.time()),
            "notify": sender.account.name,
            "platform": "android",
        }
        base |= {"version": "2.26.1", "from": sender.lid if to.server == LID_SERVER else sender.pn}
        for device in account.devices.values():
            if device is not sender and to.device in (0, device.index):
                await self._delivery.deliver(device, Node("call", {**base}, stanza.content))
        if kind in _ELSEWHERE:
            await self._stop_ringing(sender, stanza.children[0], base | {"from": to})

    async def _stop_ringing(self, by: Device, step: Node, base: Attrs) -> None:
        """The other devices of whoever took or declined a call learn that it is dealt with."""
        attrs: Attrs = {name: step.attrs[name] for name in ("call-id", "call-creator") if name in step.attrs}
        over = Node("terminate", attrs | {"reason": _ELSEWHERE[step.tag]})
        for device in by.account.devices.values():
            if device is not by:
                await self._delivery.deliver(device, Node("call", {**base}, [over]))

    async def _subscribe(self, endpoint: Endpoint, to: Jid) -> None:
        account = self._directory.find(to)
        if account is None:
            return
        self._subscribers.setdefault(account.number, {})[endpoint.device.key] = (endpoint.device, to)
        await endpoint.push(self._state(account, to, endpoint.device.account))

    async def _change(self, device: Device, *, available: bool) -> None:
        account = device.account
        before = self._is_available(account)
        if available:
            self._available.add(device.key)
        else:
            self._available.discard(device.key)
        now = self._is_available(account)
        if before and not now:
            self._last_seen[account.number] = int(time.time())
        if before != now:
            for subscriber, jid in list(self._subscribers.get(account.number, {}).values()):
                await self._delivery.deliver(subscriber, self._state(account, jid, subscriber.account))

    def _is_available(self, account: Account) -> bool:
        return any(device.key in self._available for device in account.devices.values())

    def _state(self, account: Account, jid: Jid, asker: Account) -> Node:
        shows_last = account.shows("last", asker)
        follows_last = account.record.privacy.get("online") == "match_last_seen"
        if self._is_available(account) and (shows_last or not follows_last):
            return Node("presence", {"from": jid})
        last = self._last_seen.get(account.number) if shows_last else None
        return Node("presence", {"from": jid, "type": "unavailable", "last": last or "deny"})

    def _rename(self, account: Account, name: str) -> None:
        if name and name != account.record.name:
            account.record.name = name
            self._directory.save_account(account)
