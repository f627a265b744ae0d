"""A linked phone moves to another gateway without pairing again, and nothing that was written to it meanwhile is lost."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest

from gateway.sandbox.rig import SANDBOX_NETWORKS, free_port
from tests.journeys.house import House, Line, poll

PASSPHRASE = "correct horse battery"


@dataclass
class Neighbour:
    """A second gateway, joined to the same WhatsApp; a :class:`House` can be made of it."""

    data: Path
    port: int
    rig: Any
    process: asyncio.subprocess.Process | None = None

    @property
    def gateway_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        return {
            "WAGATE_STORE__DATA_FOLDER": str(self.data),
            "WAGATE_HTTP__PORT": str(self.port),
            "WAGATE_GUARD__ALLOW_NETWORKS": SANDBOX_NETWORKS,
        }

    async def start(self) -> None:
        with (self.data.parent / "neighbour.log").open("wb") as log:
            self.process = await _start("serve", **self.environment, _loopback=self.rig.loopback_file, _log=log)
        await poll(self._is_ready, timeout_seconds=30)

    async def stop(self) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
            await asyncio.wait_for(self.process.wait(), 25)

    async def _is_ready(self) -> bool:
        try:
            async with aiohttp.ClientSession() as http, http.get(f"{self.gateway_url}/readyz") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False


@pytest.fixture
async def neighbour(house: House, tmp_path: Path) -> AsyncIterator[Neighbour]:
    """Another gateway that does not run yet."""
    loopback_file = Path(house.sandbox.rig.data) / "loopback.json"
    rig = SimpleNamespace(api_key="", control=house.sandbox.rig.control, loopback_file=loopback_file)
    made = Neighbour(data=tmp_path / "neighbour", port=free_port(), rig=rig)
    rig.api_key = await command("key", "create", "test", "--plain", _loopback=loopback_file, **made.environment)
    yield made
    await made.stop()


async def _start(*arguments: str, _loopback: Path, _log: Any, **environment: str) -> asyncio.subprocess.Process:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("WAGATE_")}
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", *arguments, "--loopback-file", str(_loopback)),
        env=inherited | environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=_log,
        stderr=_log if _log is not asyncio.subprocess.PIPE else asyncio.subprocess.PIPE,
    )


async def command(*arguments: str, _loopback: Path, **environment: str) -> str:
    """Run `wagate`; give what it has said."""
    process = await _start(*arguments, _loopback=_loopback, _log=asyncio.subprocess.PIPE, **environment)
    output, complaint = await process.communicate()
    assert process.returncode == 0, complaint.decode()
    return output.decode().strip()


async def test_a_phone_moves_to_another_gateway_without_pairing_again(
    house: House, line: Line, neighbour: Neighbour, tmp_path: Path
) -> None:
    anna = await house.phone("Anna")
    await line.send(anna, "before the move")
    archive, loopback_file = tmp_path / "archive", neighbour.rig.loopback_file
    here = {"WAGATE_STORE__DATA_FOLDER": f"{house.sandbox.rig.data}/gateway", "WAGATE_ARCHIVE_PASSPHRASE": PASSPHRASE}
    there = {**neighbour.environment, "WAGATE_ARCHIVE_PASSPHRASE": PASSPHRASE}

    await command("session", "export", line.name, "--to", str(archive), _loopback=loopback_file, **here)
    left = await line.becomes("logged_out")
    await house.phones.send_text(anna.number, to=line.phone.number, body="while nobody was linked")
    await command("session", "import", str(archive), _loopback=loopback_file, **there)
    await neighbour.start()
    abroad = House(neighbour)  # type: ignore[arg-type]
    [session] = (await abroad.api.get("/sessions"))["items"]
    moved = Line(house=abroad, id=session["id"], name=session["name"], phone=line.phone)

    await moved.becomes("connected")
    assert [message["text"]["body"] for message in await moved.received(1)] == ["while nobody was linked"]
    await moved.send(anna, "after the move")
    await house.phones.send_text(anna.number, to=line.phone.number, body="to the new place")
    assert [message["text"]["body"] for message in await moved.received(2)][1] == "to the new place"
    assert (left["paired"], left["reason"]["code"]) == (False, "moved_away")
    assert (await line.becomes("logged_out"))["paired"] is False
    await abroad.close()
