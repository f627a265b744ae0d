"""What meets at the service: an endpoint acts for one device, and faults decide where the service misbehaves."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from sessions.sandbox.state.directory import Device
from sessions.sandbox.wire.node import Node


class Endpoint(Protocol):
    """One device that is online: a connection from the wire, or a scripted phone in this process."""

    @property
    def device(self) -> Device:
        """The device it acts for."""

    async def push(self, node: Node) -> None:
        """Hand a stanza to the device. Never waits for the device to act on it."""

    async def end(self, last: Node | None = None) -> None:
        """The service ends this connection; ``last`` is the stanza that says why."""


@dataclass(frozen=True)
class AckVerdict:
    """How the service answers a message: normally, late, with an error code, or not at all."""

    send: bool = True
    delay: float = 0.0  #: seconds
    error: int | None = None  #: a refused message is not delivered to anybody


class Faults(Protocol):
    """Where the service asks whether it shall misbehave."""

    def refuses_connections(self) -> bool:
        """Whether a new connection is answered with 503, before any WhatsApp client speaks."""

    def ignores_connections(self) -> bool:
        """Whether a new connection is accepted and never answered."""

    def lag(self, device: Device) -> float:
        """How late what is sent to this device arrives, in seconds; infinite while its connection is frozen."""

    def login_failure(self, device: Device) -> Node | None:
        """The ``<failure>`` that a login gets instead of success."""

    def ack(self, device: Device, message: Node) -> AckVerdict:
        """How a message that this device sends is answered."""

    def is_deaf(self, device: Device) -> bool:
        """Whether stanzas of this device are taken and never looked at."""


class NoFaults:
    """The service at its best."""

    def refuses_connections(self) -> bool:
        """Never."""
        return False

    def ignores_connections(self) -> bool:
        """Never."""
        return False

    def lag(self, device: Device) -> float:
        """None."""
        return 0.0

    def login_failure(self, device: Device) -> Node | None:
        """None."""
        return None

    def ack(self, device: Device, message: Node) -> AckVerdict:
        """At once."""
        return AckVerdict()

    def is_deaf(self, device: Device) -> bool:
        """Never."""
        return False


class DeviceChange(StrEnum):
    """What happened to a device, for those who watch the service."""

    LINKED = "linked"
    ONLINE = "online"  #: logged in, or a phone attached
    ACTIVE = "active"  #: it has been given everything that waited for it
    OFFLINE = "offline"
    UNLINKED = "unlinked"


class Watcher(Protocol):
    """Is told about changes of devices, at once and in order; must not wait for anything."""

    def __call__(self, change: DeviceChange, device: Device) -> None:
        """One change."""
