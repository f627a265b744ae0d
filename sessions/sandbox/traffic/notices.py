"""What the service tells clients without being asked: changed device lists, dwindling keys, changed settings."""

from __future__ import annotations

import base64
import hashlib
import itertools
import time
from collections.abc import Iterable

from sessions.address import LID_SERVER, Jid
from sessions.sandbox.state import adv
from sessions.sandbox.state.directory import Account, Device, Directory
from sessions.sandbox.state.endpoint import DeviceChange
from sessions.sandbox.traffic.delivery import Delivery
from sessions.sandbox.wire.node import SERVER, Attrs, Node, Value


class Notices:
    """Sends notifications; each stays queued until its device acknowledges it."""

    def __init__(self, *, directory: Directory, delivery: Delivery) -> None:
        self._directory = directory
        self._delivery = delivery
        self._start = time.time_ns() // 1_000_000
        self._ids = itertools.count(1)

    def announce(self, change: DeviceChange, device: Device) -> None:
        """Tell the watchers of the service."""
        self._delivery.announce(change, device)

    async def notify(
        self, device: Device, kind: str, content: list[Node], *, sender: Jid = SERVER, **attrs: Value
    ) -> None:
        """One notification to one device."""
        # Ids must not repeat after a restart, since clients and queues tell notifications apart by them.
        number = f"{self._start}-{next(self._ids)}"
        base: Attrs = {"from": sender, "type": kind, "id": number, "t": int(time.time())}
        await self._delivery.deliver(device, Node("notification", {**base, **attrs}, content))

    async def notify_companions(self, account: Account, kind: str, content: list[Node], *, but: Device | None) -> None:
        """One notification to every companion of an account, as news from the account itself."""
        for device in account.companions:
            if device is not but:
                await self.notify(device, kind, content, sender=account.pn)

    async def keys_run_low(self, device: Device) -> None:
        """Ask a device for further one-time keys."""
        await self.notify(device, "encrypt", [Node("count", {"value": len(device.prekeys)})])

    async def devices_changed(self, changed: Device, *, added: bool) -> None:
        """A companion was linked or unlinked: tell its own account and everyone who keeps a list of its devices."""
        account = changed.account
        own = Node("devices", {"dhash": list_hash(device.pn for device in account.reachable())})
        own.content = [_device(device) for device in account.reachable()]
        await self.notify_companions(account, "account_sync", [own], but=changed)
        for number, server in account.record.known_to.items():
            if number == account.number and server != LID_SERVER:
                continue  # the account_sync above has said it
            other = self._directory.get(number)
            change = _change(changed, server, added=added)
            sender = account.lid if server == LID_SERVER else account.pn
            for device in other.companions if other else []:
                if device is not changed:
                    await self.notify(device, "devices", [change], sender=sender)


def list_hash(devices: Iterable[Jid]) -> str:
    """The short hash by which clients and the service compare lists of devices."""
    names = sorted(f"{jid.user}.0:{jid.device}@{jid.server}" for jid in devices)
    digest = hashlib.sha256("".join(names).encode()).digest()
    return "2:" + base64.b64encode(digest[:6]).decode().rstrip("=")


def _change(changed: Device, server: str, *, added: bool) -> Node:
    account = changed.account
    hidden = server == LID_SERVER
    hashed = list_hash(device.lid if hidden else device.pn for device in account.reachable())
    device = Node("device", {"jid": changed.lid if hidden else changed.pn})
    indexes = Node("key-index-list", {"ts": account.record.devices_at})
    if added:
        device.attrs["key-index"] = changed.record.key_index
        indexes.content = adv.key_index_list(account)
    return Node("add" if added else "remove", {"device_hash": hashed}, [device, indexes])


def _device(device: Device) -> Node:
    return Node("device", {"jid": device.pn, "lid": device.lid, "key-index": device.record.key_index or None})
