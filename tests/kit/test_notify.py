"""systemd is told the truth in its own words."""

from __future__ import annotations

import os
import socket

import pytest

from gateway.kit.notify import Notifier


@pytest.fixture
def systemd(tmp_path):
    """A socket that listens like systemd; gives its path and what it has heard."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.settimeout(2)
        yield str(tmp_path / "notify"), lambda: listener.recv(1000).decode()


def test_ready_alive_and_stopping_are_sent(systemd):
    address, heard = systemd
    notifier = Notifier.from_environment({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "30000000"})

    notifier.ready("serving")
    notifier.alive()
    notifier.stopping()

    assert [heard(), heard(), heard()] == ["READY=1\nSTATUS=serving", "WATCHDOG=1", "STOPPING=1"]
    assert notifier.watchdog_seconds == 30.0


def test_without_systemd_nothing_happens():
    notifier = Notifier.from_environment({})

    notifier.ready("serving")

    assert notifier.watchdog_seconds is None


def test_the_watchdog_of_another_process_is_not_ours():
    environment = {"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid() + 1)}

    assert Notifier.from_environment(environment).watchdog_seconds is None
