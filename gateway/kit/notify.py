"""Tells systemd how we are: ready, alive, stopping. Silent where nobody listens."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping


class Notifier:
    """Speaks sd_notify over the datagram socket that ``NOTIFY_SOCKET`` names."""

    def __init__(self, *, address: str | None, watchdog_seconds: float | None = None) -> None:
        self._address = address
        self.watchdog_seconds = watchdog_seconds

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Notifier:
        """As systemd set it up; the watchdog only where it is meant for this process."""
        microseconds = environment.get("WATCHDOG_USEC")
        ours = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        return cls(
            address=environment.get("NOTIFY_SOCKET"),
            watchdog_seconds=int(microseconds) / 1_000_000 if microseconds and ours else None,
        )

    def ready(self, status: str) -> None:
        """Everything is up."""
        self._send(f"READY=1\nSTATUS={status}")

    def alive(self) -> None:
        """Feed the watchdog."""
        self._send("WATCHDOG=1")

    def stopping(self) -> None:
        """An orderly end has begun."""
        self._send("STOPPING=1")

    def _send(self, message: str) -> None:
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)
            sender.sendto(message.encode(), address)
