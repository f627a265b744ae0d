"""A sandbox to be tortured: linked lines, phones, and ways to kill what runs them."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from gateway.bench.client import BenchError, Client
from gateway.bench.processes import workers_of
from gateway.sandbox.rig import Sandbox
from gateway.torture.contract import Claim

_LOOK_EVERY_SECONDS = 0.05
_NUMBERS_FROM = 15550200000


@dataclass(frozen=True, kw_only=True)
class Line:
    """One session and the phone that it is linked to."""

    id: str
    name: str
    number: str


class World:
    """One gateway on a WhatsApp of its own. Ports and keys outlive every process that is killed."""

    def __init__(self, *, sandbox: Sandbox, client: Client) -> None:
        self.sandbox = sandbox
        self.client = client
        self._phones = 0

    @property
    def gateway_pid(self) -> int:
        """The daemon of this moment."""
        return self.sandbox.rig.pids["gateway"]

    @property
    def log(self) -> Path:
        """What the gateway writes to standard error, all its lives one after the other."""
        return Path(self.sandbox.rig.data) / "gateway.log"

    def workers(self) -> list[int]:
        """The processes that hold sessions at this moment."""
        return workers_of(self.gateway_pid)

    async def phone(self) -> str:
        """Switch on a new phone; gives its number."""
        number = str(_NUMBERS_FROM + self._phones)
        self._phones += 1
        await self.client.control("POST", "/phones", {"number": number, "name": f"Phone {self._phones}"})
        return number

    async def line(self) -> Line:
        """A session, linked to a new phone and connected."""
        number = await self.phone()
        name = f"line-{self._phones}"
        session = await self.client.api("POST", "/sessions", {"name": name})
        await self.client.link(name, number)
        await self.client.until_status(name, "connected")
        return Line(id=session["id"], name=name, number=number)

    async def kill_gateway(self) -> int:
        """``kill -9`` the daemon; gives its process id."""
        pid = self.gateway_pid
        os.kill(pid, signal.SIGKILL)
        return pid

    async def stop_gateway(self) -> int:
        """Ask the daemon to end in an orderly way, as an upgrade does; gives its process id."""
        pid = self.gateway_pid
        os.kill(pid, signal.SIGTERM)
        return pid

    async def until_new_gateway(self, old: int, *, timeout_seconds: float = 180.0) -> None:
        """Wait until another daemon than ``old`` answers."""

        async def is_up() -> bool:
            return self.gateway_pid != old and await self._is_ready()

        await until(is_up, what="new gateway", timeout_seconds=timeout_seconds)

    async def until_connected(self, lines: list[Line], *, timeout_seconds: float = 180.0) -> None:
        """Wait until all these lines are connected."""

        async def are_connected() -> bool:
            found = await self.ask(f"/sessions?limit={max(len(lines), 1) + 50}")
            connected = {session["id"] for session in (found or {"items": []})["items"] if _is_connected(session)}
            return all(line.id in connected for line in lines)

        await until(are_connected, what="connected lines", timeout_seconds=timeout_seconds)

    async def ask(self, path: str) -> Any:
        """GET from the API; None while the gateway is down or not ready."""
        try:
            return await self.client.api("GET", path)
        except (aiohttp.ClientError, TimeoutError):
            return None
        except BenchError as error:
            if "answered 503" in str(error):
                return None
            raise

    async def every(self, path: str) -> list[Any]:
        """All items of a list, page by page."""
        joint = "&" if "?" in path else "?"
        page = await self.client.api("GET", path)
        items: list[Any] = page["items"]
        while page["next"] is not None:
            page = await self.client.api("GET", f"{path}{joint}after={page['next']}")
            items += page["items"]
        return items

    async def _is_ready(self) -> bool:
        try:
            async with (
                aiohttp.ClientSession() as http,
                http.get(f"{self.sandbox.gateway_url}/readyz") as answer,
            ):
                return answer.status == 200
        except aiohttp.ClientError:
            return False


@asynccontextmanager
async def open_world(folder: Path, *, environment: Mapping[str, str] | None = None) -> AsyncIterator[World]:
    """A world in this folder, torn down afterwards; ``environment`` is for the gateway."""
    sandbox = Sandbox(data=folder / "sandbox", environment=environment)
    await sandbox.start()
    try:
        async with Client(sandbox.rig) as client:
            yield World(sandbox=sandbox, client=client)
    finally:
        await sandbox.stop()


async def until(
    look: Callable[[], Awaitable[bool]],
    *,
    what: str,
    timeout_seconds: float,
    look_every_seconds: float = _LOOK_EVERY_SECONDS,
) -> None:
    """Look until it is so; BenchError after the time."""
    deadline = time.monotonic() + timeout_seconds
    while not await look():
        if time.monotonic() > deadline:
            raise BenchError(f"no {what} within {timeout_seconds:.0f} s")
        await asyncio.sleep(look_every_seconds)


def faults_in_log(world: World) -> Claim:
    """What the gateway itself calls a fault, apart from the workers that were killed on purpose."""
    text = world.log.read_text("utf-8", errors="replace")
    faults = [line for line in text.splitlines() if '"level": "error"' in line and "with status -9" not in line]
    return Claim(
        name="faults in the gateway's log", measured=len(faults), at_most=0, note=faults[0][:200] if faults else ""
    )


def _is_connected(session: dict[str, Any]) -> bool:
    return str(session["status"]) == "connected"
