"""Brings stanzas to devices: at once where a device is online, from its queue when it comes back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sessions.sandbox.state.directory import Device
from sessions.sandbox.state.endpoint import DeviceChange, Endpoint, Watcher
from sessions.sandbox.state.queue import DeviceQueue
from sessions.sandbox.state.store import Store
from sessions.sandbox.wire.node import SERVER, Node
from sessions.sandbox.wire.wabinary import Codec

_KEPT = frozenset({"message", "receipt", "notification", "call"})


@dataclass
class _Presence:
    """A device that is online."""

    endpoint: Endpoint
    active: bool = False  #: its queue has been delivered, so new stanzas may follow


class Delivery:
    """Who is online, and what waits for whom.

    Messages, receipts, notifications and calls stay in their device's queue until it acknowledges them; everything
    else reaches only those who are online.
    """

    def __init__(self, *, store: Store, codec: Codec) -> None:
        self._store = store
        self._codec = codec
        self._online: dict[str, _Presence] = {}
        self._queues: dict[str, DeviceQueue] = {}
        self._watchers: list[Watcher] = []

    def watch(self, watcher: Watcher) -> Callable[[], None]:
        """Tell this watcher about every change of a device; call the answer to stop."""
        self._watchers.append(watcher)
        return lambda: self._watchers.remove(watcher)

    def announce(self, change: DeviceChange, device: Device) -> None:
        """Tell the watchers."""
        for watcher in list(self._watchers):
            watcher(change, device)

    def endpoint(self, device: Device) -> Endpoint | None:
        """Through which a device is online."""
        presence = self._online.get(device.key)
        return presence.endpoint if presence else None

    def endpoints(self) -> list[Endpoint]:
        """Everything that is online."""
        return [presence.endpoint for presence in self._online.values()]

    def waiting(self, device: Device) -> int:
        """How many stanzas a device has not acknowledged."""
        return len(self._queue(device))

    def attach(self, endpoint: Endpoint) -> Endpoint | None:
        """A device came online; the answer is the endpoint that it replaces."""
        device = endpoint.device
        replaced = self._online.get(device.key)
        self._online[device.key] = _Presence(endpoint)
        self.announce(DeviceChange.ONLINE, device)
        return replaced.endpoint if replaced and replaced.endpoint is not endpoint else None

    def detach(self, endpoint: Endpoint) -> bool:
        """An endpoint is gone; False where another one has taken its place."""
        presence = self._online.get(endpoint.device.key)
        if presence is None or presence.endpoint is not endpoint:
            return False
        del self._online[endpoint.device.key]
        self.announce(DeviceChange.OFFLINE, endpoint.device)
        return True

    async def activate(self, endpoint: Endpoint) -> None:
        """Deliver what has waited for the device, then let new stanzas through."""
        presence = self._online.get(endpoint.device.key)
        if presence is None or presence.endpoint is not endpoint or presence.active:
            return
        queue = self._queue(endpoint.device)
        announced = len(queue)
        await endpoint.push(_preview(stanza for _, stanza in queue.items()))
        sent: set[int] = set()
        while missing := [item for item in queue.items() if item[0] not in sent]:
            for sequence, stanza in missing:
                sent.add(sequence)
                await endpoint.push(_offline(stanza))
        presence.active = True
        await endpoint.push(Node("ib", {"from": SERVER}, [Node("offline", {"count": announced})]))
        self.announce(DeviceChange.ACTIVE, endpoint.device)

    def pause(self, endpoint: Endpoint) -> None:
        """The device asks for nothing to be sent for now."""
        presence = self._online.get(endpoint.device.key)
        if presence is not None and presence.endpoint is endpoint:
            presence.active = False

    async def deliver(self, device: Device, stanza: Node) -> None:
        """Send a stanza to a device, now or later."""
        if stanza.tag in _KEPT:
            # The queue comes first: loading it later would find the new stanza in the store, and hold it twice.
            queue = self._queue(device)
            queue.add(self._store.enqueue(device.key, self._codec.encode(stanza)), stanza)
        presence = self._online.get(device.key)
        if presence is not None and presence.active:
            await presence.endpoint.push(stanza)

    def acknowledge(self, device: Device, tag: str, number: str, matches: Callable[[Node], bool]) -> None:
        """The device has taken in the stanzas with this tag and id, as far as they match."""
        taken = self._queue(device).take(tag, number, matches)
        if taken:
            self._store.dequeue(taken)

    def forget(self, device: Device) -> None:
        """Drop the queue of a device that is no longer linked; the directory forgets it in the store."""
        self._queues.pop(device.key, None)

    def _queue(self, device: Device) -> DeviceQueue:
        queue = self._queues.get(device.key)
        if queue is None:
            queue = self._queues[device.key] = DeviceQueue()
            for entry in self._store.queue(device.key):
                queue.add(entry.sequence, self._codec.decode(entry.stanza))
        return queue


def _offline(stanza: Node) -> Node:
    return Node(stanza.tag, {**stanza.attrs, "offline": "1"}, stanza.content)


def _preview(stanzas: Iterable[Node]) -> Node:
    tags = [stanza.tag for stanza in stanzas]
    counts = {tag: tags.count(tag) for tag in ("message", "receipt", "notification")}
    preview = Node("offline_preview", {"count": len(tags), "appdata": 0, **counts, "call": tags.count("call")})
    return Node("ib", {"from": SERVER}, [preview])
