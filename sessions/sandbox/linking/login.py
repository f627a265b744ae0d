"""Decides what becomes of a connection whose handshake is done: a client to be linked, a login, or a refusal."""

from __future__ import annotations

import time
from typing import Any, Protocol

from sessions.sandbox.linking.pairing import Pairing, UnlinkedClient
from sessions.sandbox.state.directory import Device, Directory
from sessions.sandbox.state.endpoint import Endpoint, Faults
from sessions.sandbox.traffic.delivery import Delivery
from sessions.sandbox.wire.node import SERVER, Attrs, Node

_REPLACED = Node("stream:error", {}, [Node("conflict", {"type": "replaced"})])
# A hint that clients repeat when they come back, so that the real service finds their data centre again.
_ROUTING = bytes.fromhex("08120a0c")
LOGGED_OUT = 401


class Client(UnlinkedClient, Endpoint, Protocol):
    """A connection from the wire."""

    def log_in(self, device: Device) -> None:
        """From now on the connection acts for this device."""


def failure(reason: int, **attrs: int) -> Node:
    """The stanza that refuses a login."""
    return Node("failure", {"reason": reason, "location": "frc", **attrs})


class Login:
    """The door."""

    def __init__(self, *, directory: Directory, delivery: Delivery, pairing: Pairing, faults: Faults) -> None:
        self._directory = directory
        self._delivery = delivery
        self._pairing = pairing
        self._faults = faults

    async def open(self, client: Client) -> None:
        """A client has said who it is."""
        payload = client.payload
        if not payload.username:
            await self._pairing.open(client)
            return
        device = self._authenticate(payload, client.client_static)
        refusal = self._faults.login_failure(device) if device else failure(LOGGED_OUT)
        if device is None or refusal is not None:
            await client.end(refusal)
            return
        client.log_in(device)
        is_new = not device.record.last_seen
        device.record.last_seen = int(time.time())
        self._directory.save_device(device)
        await self._replace(client)
        await client.push(_success(device))
        await client.push(_news([Node("edge_routing", {}, [Node("routing_info", {}, _ROUTING)])]))
        if is_new:
            await client.push(_news([Node("dirty", {"type": "account_sync", "timestamp": int(time.time())})]))
        if not payload.passive:
            await self._delivery.activate(client)

    def _authenticate(self, payload: Any, client_static: bytes) -> Device | None:
        """The device is who holds the noise key that it was linked with."""
        account = self._directory.get(str(payload.username))
        device = account.devices.get(payload.device) if account else None
        if device is None or device.is_phone or device.record.noise_key != client_static:
            return None
        return device

    async def _replace(self, client: Client) -> None:
        """A device has one connection: the older one ends."""
        replaced = self._delivery.attach(client)
        if replaced is not None:
            await replaced.end(_REPLACED)


def _news(content: list[Node]) -> Node:
    return Node("ib", {"from": SERVER}, content)


def _success(device: Device) -> Node:
    attrs: Attrs = {
        "t": int(time.time()),
        "lid": device.lid,
        "creation": device.record.linked_at,
        "display_name": device.account.name,
        "props": "27",
        "abprops": "1",
        "location": "frc",
        "group_abprops": "0",
    }
    return Node("success", attrs)
