"""With real workers and a phone linked, a gateway stops cleanly, and comes back by itself when it is killed."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import psutil
import pytest

from gateway.sandbox.rig import Rig, Sandbox
from sessions.sandbox.control.client import SandboxClient

pytestmark = pytest.mark.long


class Caller:
    """Calls the gateway's API; while it is down, :meth:`until` goes on asking."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self._http = aiohttp.ClientSession(headers={"Authorization": f"Bearer {rig.api_key}"})

    async def call(self, method: str, path: str, body=None):
        async with self._http.request(method, f"{self._rig.gateway}/api/v1{path}", json=body) as answer:
            assert answer.status < 300, await answer.text()
            return await answer.json()

    async def until(self, path: str, wanted, *, timeout_seconds: float = 20.0):
        """The first answer that is ``wanted``."""
        async with asyncio.timeout(timeout_seconds):
            while True:
                try:
                    found = await self.call("GET", path)
                    if wanted(found):
                        return found
                except aiohttp.ClientError:
                    pass
                await asyncio.sleep(0.02)

    async def close(self) -> None:
        await self._http.close()


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    started = Sandbox(data=tmp_path / "sandbox")
    await started.start()
    yield started
    await started.stop()


@pytest.fixture
async def caller(sandbox: Sandbox) -> AsyncIterator[Caller]:
    made = Caller(sandbox.rig)
    yield made
    await made.close()


@pytest.fixture
async def phones(sandbox: Sandbox) -> AsyncIterator[SandboxClient]:
    async with SandboxClient(url=sandbox.rig.control) as client:
        yield client


async def link(caller: Caller, phones: SandboxClient, number: str) -> None:
    """One session named ``line``, linked and connected."""
    await caller.call("POST", "/sessions", {"name": "line"})
    code = (await caller.call("GET", "/sessions/line/qr"))["code"]
    await phones.scan(number, code)
    await caller.until("/sessions/line", lambda session: session["status"] == "connected")


def connected(session) -> bool:
    return session["status"] == "connected"


async def send(caller: Caller, number: str, body: str) -> str:
    message = {"session": "line", "to": f"+{number}", "type": "text", "text": {"body": body}}
    return (await caller.call("POST", "/messages", message))["id"]


async def test_a_gateway_with_a_linked_phone_stops_soon_and_leaves_no_worker_behind(sandbox, caller, phones):
    mine, _ = sandbox.rig.phones[:2]
    await link(caller, phones, mine.number)
    gateway = psutil.Process(sandbox.rig.pids["gateway"])
    workers = gateway.children(recursive=True)
    began = time.monotonic()

    await sandbox._gateway.stop()

    assert workers
    assert time.monotonic() - began < 10
    assert sandbox._gateway.returncode == 0
    assert psutil.wait_procs(workers, timeout=5)[1] == []
    assert await phones._call("GET", "/unknown") == {"items": [], "failures": 0}


async def test_a_killed_gateway_comes_back_and_every_accepted_message_arrives_once(sandbox, caller, phones):
    mine, theirs = sandbox.rig.phones[:2]
    await link(caller, phones, mine.number)
    workers = psutil.Process(sandbox.rig.pids["gateway"]).children(recursive=True)
    accepted = [await send(caller, theirs.number, f"message {number}") for number in range(10)]

    os.kill(sandbox.rig.pids["gateway"], signal.SIGKILL)
    gone, alive = await asyncio.to_thread(psutil.wait_procs, workers, 10)
    await phones.send_text(theirs.number, mine.number, "while you were away")
    await caller.until("/sessions/line", connected)

    assert (len(gone), alive) == (len(workers), [])
    for message in accepted:
        await caller.until(f"/messages/{message}", lambda found: found["state"] in ("delivered", "read"))
    bodies = [message["text"]["body"] for message in await phones.messages(theirs.number)]
    assert bodies == [f"message {number}" for number in range(10)]
    received = await caller.until("/messages?direction=in", lambda found: len(found["items"]) == 1)
    assert received["items"][0]["text"]["body"] == "while you were away"


async def test_the_log_and_the_metrics_of_a_journey_name_nobody_and_nothing_private(sandbox, caller, phones):
    mine, theirs = sandbox.rig.phones[:2]
    await link(caller, phones, mine.number)
    sent = await send(caller, theirs.number, "a private word")
    await caller.until(f"/messages/{sent}", lambda found: found["state"] == "delivered")
    await phones.send_text(theirs.number, mine.number, "a private answer")
    received = await caller.until("/messages?direction=in", lambda found: found["items"])
    async with aiohttp.ClientSession() as http, http.get(f"{sandbox.rig.gateway}/metrics") as answer:
        metrics = await answer.text()

    log = (sandbox._data / "gateway.log").read_text()
    session = await caller.call("GET", "/sessions/line")

    assert "session status changed" in log
    private = [
        *(phone.number for phone in sandbox.rig.phones),
        *(phone.name for phone in sandbox.rig.phones),
        "private word",
        "private answer",
        sandbox.rig.api_key,
        session["lid"].partition("@")[0],
        received["items"][0]["wa_id"],
    ]
    assert [secret for secret in private if secret in log] == []
    assert [secret for secret in private if secret in metrics] == []
