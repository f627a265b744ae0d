"""Stopping goes on whatever a part does."""

from __future__ import annotations

import asyncio
import time

import pytest

from gateway import daemon as module
from gateway.config.settings import Config
from gateway.daemon import Daemon
from gateway.kit.notify import Notifier


@pytest.fixture
def daemon(monkeypatch) -> Daemon:
    monkeypatch.setattr(module, "STOP_SECONDS", 0.2)
    monkeypatch.setattr(module, "STOP_ALL_SECONDS", 0.3)
    monkeypatch.setattr(module, "LEAST_STOP_SECONDS", 0.05)
    return Daemon(config=Config(), loopback=None, notifier=Notifier(address=None))


async def test_parts_are_stopped_in_reverse_and_a_failing_or_hanging_one_keeps_no_other_from_it(daemon, caplog):
    stopped: list[str] = []

    async def good(name: str) -> None:
        stopped.append(name)

    async def fail() -> None:
        raise RuntimeError("stuck")

    daemon._on_stop("first", lambda: good("first"))
    daemon._on_stop("hanging", asyncio.Event().wait)
    daemon._on_stop("failing", fail)
    daemon._on_stop("last", lambda: good("last"))

    await daemon.stop()

    assert stopped == ["last", "first"]
    ours = [record.levelname for record in caplog.records if record.name == "gateway.daemon"]
    assert ours == ["ERROR", "ERROR"]


async def test_many_hanging_parts_share_one_patience(daemon):
    for number in range(5):
        daemon._on_stop(f"hanging {number}", asyncio.Event().wait)
    began = time.monotonic()

    await daemon.stop()

    assert time.monotonic() - began < 1.0


async def test_stopping_twice_is_fine(daemon):
    calls: list[int] = []

    async def stop() -> None:
        calls.append(1)

    daemon._on_stop("part", stop)
    await daemon.stop()
    await daemon.stop()

    assert calls == [1]
