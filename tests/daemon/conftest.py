"""Real gateway processes for tests."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest

from gateway.sandbox.rig import free_port

READY_SECONDS = 30.0
REPOSITORY = Path(__file__).parents[2]


@dataclass
class Gateway:
    """A `wagate serve` process; ``output`` and ``log`` are what it has written so far."""

    url: str
    data: Path
    process: asyncio.subprocess.Process
    folder: Path
    environment: dict[str, str] = field(repr=False)

    @property
    def output(self) -> str:
        return (self.folder / "stdout").read_text()

    @property
    def log(self) -> str:
        return (self.folder / "stderr").read_text()

    async def ready(self) -> None:
        """Wait until it says so; a process that ends meanwhile is an error."""
        async with asyncio.timeout(READY_SECONDS), aiohttp.ClientSession() as http:
            while self.process.returncode is None:
                try:
                    async with http.get(f"{self.url}/readyz") as answer:
                        if answer.status == 200:
                            return
                except aiohttp.ClientError:
                    pass
                await asyncio.sleep(0.02)
        raise AssertionError(f"the gateway ended with {self.process.returncode}:\n{self.log}")

    async def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait; give the exit code."""
        if self.process.returncode is None:
            self.process.send_signal(number)
        return await asyncio.wait_for(self.process.wait(), 25)


Launch = Callable[..., Awaitable[Gateway]]


@pytest.fixture
async def launch(tmp_path: Path) -> AsyncIterator[Launch]:
    """``await launch()`` starts a gateway; ``wait=False`` does not wait until it is ready."""
    launched: list[Gateway] = []

    async def start(
        *, data: Path | None = None, port: int | None = None, wait: bool = True, arguments=(), **environment: str
    ) -> Gateway:
        gateway = await spawn(
            tmp_path / f"process-{len(launched)}",
            data=data or tmp_path / "data",
            port=port,
            arguments=arguments,
            environment=environment,
        )
        launched.append(gateway)
        if wait:
            await gateway.ready()
        return gateway

    yield start
    for gateway in launched:
        await gateway.end(signal.SIGKILL)


@pytest.fixture(scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    """One gateway for all tests of a module that only ask it things."""
    folder = tmp_path_factory.mktemp("gateway")
    started = await spawn(folder / "process", data=folder / "data", port=None, arguments=(), environment={})
    await started.ready()
    yield started
    await started.end(signal.SIGKILL)


async def spawn(folder: Path, *, data: Path, port: int | None, arguments, environment: dict[str, str]) -> Gateway:
    folder.mkdir()
    port = port or free_port()
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("WAGATE_", "NOTIFY_"))}
    variables = inherited | {
        "PYTHONPATH": str(REPOSITORY),
        "WAGATE_HTTP__PORT": str(port),
        "WAGATE_STORE__DATA_FOLDER": str(data),
        **environment,
    }
    with (folder / "stdout").open("wb") as output, (folder / "stderr").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "gateway", "serve", *arguments, cwd=folder, env=variables, stdout=output, stderr=log
        )
    return Gateway(url=f"http://127.0.0.1:{port}", data=data, process=process, folder=folder, environment=variables)


@pytest.fixture
def command() -> Callable[..., Awaitable[tuple[int, str, str]]]:
    """``await command(gateway, "key", "create", "x")`` runs `wagate` with that gateway's settings."""

    async def run(gateway: Gateway, *arguments: str, stdin: str = "") -> tuple[int, str, str]:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "gateway", *arguments),
            cwd=gateway.folder,
            env=gateway.environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        output, complaint = await process.communicate(stdin.encode())
        assert process.returncode is not None
        return process.returncode, output.decode(), complaint.decode()

    return run
