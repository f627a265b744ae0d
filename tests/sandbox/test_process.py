"""The loopback WhatsApp as a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from sessions.sandbox.control.client import SandboxClient

pytestmark = pytest.mark.long

Start = Callable[..., Awaitable[tuple[asyncio.subprocess.Process, dict[str, Any]]]]


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Start it on this test's folder, and read the line that says that it is up."""
    processes: list[asyncio.subprocess.Process] = []

    async def start(*arguments: str) -> tuple[asyncio.subprocess.Process, dict[str, Any]]:
        command = [sys.executable, "-m", "sessions.sandbox", "--data", str(tmp_path / "data"), *arguments]
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        processes.append(process)
        assert process.stdout is not None
        async with asyncio.timeout(20):
            return process, json.loads(await process.stdout.readline())

    yield start
    for process in processes:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_it_says_where_it_is_and_ends_cleanly_when_asked(start):
    process, told = await start()

    assert told.keys() == {"proxy", "ca_file", "root_key", "control", "phones", "pid"}
    assert told["pid"] == process.pid
    assert len(told["phones"]) >= 5
    assert Path(told["ca_file"]).read_text().startswith("-----BEGIN CERTIFICATE-----")
    async with SandboxClient(url=told["control"]) as client:
        assert [phone["number"] for phone in await client.phones()] == [phone["number"] for phone in told["phones"]]

    process.send_signal(signal.SIGTERM)

    async with asyncio.timeout(10):
        assert await process.wait() == 0


async def test_it_is_the_same_whatsapp_after_a_kill(start):
    process, before = await start()
    first, second = (phone["number"] for phone in before["phones"][:2])
    async with SandboxClient(url=before["control"]) as client:
        sent = await client.send_text(first, second, "hello")
    process.kill()
    await process.wait()

    _, after = await start()

    assert {name: after[name] for name in ("root_key", "ca_file", "phones")} == {
        name: before[name] for name in ("root_key", "ca_file", "phones")
    }
    async with SandboxClient(url=after["control"]) as client:
        assert [one["id"] for one in await client.messages(first, sent=True)] == [sent]
        assert [one["id"] for one in await client.messages(second)] == [sent]


async def test_a_folder_serves_one_at_a_time(start, tmp_path):
    await start()

    command = [sys.executable, "-m", "sessions.sandbox", "--data", str(tmp_path / "data")]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(20):
        out, problem = await process.communicate()

    assert (process.returncode, out) == (1, b"")
    assert b"another one runs" in problem


async def test_it_ends_at_once_while_somebody_listens_to_its_news(start):
    process, told = await start()
    async with SandboxClient(url=told["control"]) as client:
        news = client.events()
        assert await anext(news) == ("ready", "{}")

        process.send_signal(signal.SIGTERM)

        async with asyncio.timeout(10):
            assert await process.wait() == 0
            assert [one async for one in news] == []


async def test_it_listens_where_it_is_told_to_and_says_so_when_it_cannot(start, tmp_path):
    _, told = await start()
    taken = told["control"].rpartition(":")[2]

    command = [sys.executable, "-m", "sessions.sandbox", "--data", str(tmp_path / "other"), "--control-port", taken]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(20):
        out, problem = await process.communicate()

    assert (process.returncode, out) == (1, b"")
    assert b"address already in use" in problem


async def test_it_ends_when_its_parent_is_another_one(tmp_path):
    command = [
        sys.executable,
        "-m",
        "sessions.sandbox",
        "--data",
        str(tmp_path / "data"),
        "--parent",
        str(os.getppid()),
    ]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    async with asyncio.timeout(20):
        await process.wait()

    assert process.returncode == -signal.SIGTERM
