"""A second gateway on the same WhatsApp, which can be stopped, moved and brought back from a backup."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from gateway.sandbox.rig import SANDBOX_NETWORKS
from tests.journeys.house import House, poll


@dataclass(kw_only=True)
class Rig:
    """What a :class:`House` asks of a sandbox."""

    control: str
    loopback_file: Path
    api_key: str = ""


@dataclass
class Neighbour:
    """One gateway; :meth:`house` is what its customers have."""

    data: Path
    port: int
    rig: Rig
    process: asyncio.subprocess.Process | None = None

    @property
    def gateway_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def house(self) -> House:
        return House(self)  # type: ignore[arg-type]

    async def make_key(self) -> None:
        """An API key of its own; the first command makes the data folder."""
        self.rig.api_key = await self.command("key", "create", "test", "--plain", *self._loopback)

    async def start(self) -> None:
        with (self.data.parent / "neighbour.log").open("ab") as log:
            self.process = await self._run("serve", *self._loopback, output=log)
        await poll(self._is_ready, timeout_seconds=60)

    async def stop(self) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
            await asyncio.wait_for(self.process.wait(), 25)

    async def command(self, *arguments: str, **environment: str) -> str:
        """Run `wagate` with this gateway's settings; give what it has said."""
        process = await self._run(*arguments, output=asyncio.subprocess.PIPE, **environment)
        output, complaint = await process.communicate()
        assert process.returncode == 0, complaint.decode()
        return output.decode().strip()

    @property
    def _loopback(self) -> tuple[str, str]:
        return "--loopback-file", str(self.rig.loopback_file)

    async def _run(self, *arguments: str, output: Any, **environment: str) -> asyncio.subprocess.Process:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("WAGATE_")}
        settings = {
            "WAGATE_STORE__DATA_FOLDER": str(self.data),
            "WAGATE_HTTP__PORT": str(self.port),
            "WAGATE_GUARD__ALLOW_NETWORKS": SANDBOX_NETWORKS,
            "WAGATE_ARCHIVE_PASSPHRASE": "correct horse battery",
        }
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gateway", *arguments),
            env=inherited | settings | environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )

    async def _is_ready(self) -> bool:
        try:
            async with aiohttp.ClientSession() as http, http.get(f"{self.gateway_url}/readyz") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False
