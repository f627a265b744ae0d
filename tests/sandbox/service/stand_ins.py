"""The two parts that the service is given from outside: a media shelf, and faults that a test sets directly."""

from __future__ import annotations

from sessions.sandbox.state.directory import Device
from sessions.sandbox.state.endpoint import AckVerdict, NoFaults
from sessions.sandbox.wire.node import Node


class Pictures:
    """Keeps profile pictures in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def issue_auth(self) -> str:
        return "token"

    def put_picture(self, name: str, jpeg: bytes) -> None:
        self.kept[name] = jpeg


class SettableFaults(NoFaults):
    """What the service asks about faults, answered by attributes."""

    def __init__(self) -> None:
        self.verdict = AckVerdict()
        self.failure: Node | None = None
        self.deaf = False
        self.refusing = False

    def refuses_connections(self) -> bool:
        return self.refusing

    def ack(self, device: Device, message: Node) -> AckVerdict:
        return self.verdict

    def login_failure(self, device: Device) -> Node | None:
        return self.failure

    def is_deaf(self, device: Device) -> bool:
        return self.deaf
