"""The two processes of the sandbox and what a client needs to know to use them."""

from __future__ import annotations

import asyncio
import json
import os
import random
import secrets
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

import aiohttp
import msgspec

from gateway.exits import CannotStartError
from gateway.sandbox.child import Child, ChildDiedError

READY_SECONDS = 60.0
#: Settings that say where a gateway lives and whom it may reach. A sandbox has its own.
_NOT_PASSED_ON = ("WAGATE_CONFIG", "WAGATE_STORE__", "WAGATE_HTTP__", "WAGATE_GUARD__")
SANDBOX_NETWORKS = '["127.0.0.0/8", "::1/128"]'


class Loopback(msgspec.Struct, frozen=True, kw_only=True):
    """Where the loopback WhatsApp is and what proves it: proxy address, CA file, trust root (hex)."""

    proxy: str
    ca_file: str
    root_key: str


class Phone(msgspec.Struct, frozen=True, kw_only=True):
    number: str
    name: str


class Rig(msgspec.Struct, frozen=True, kw_only=True):
    """What `wagate sandbox --json` prints, in one line."""

    gateway: str
    control: str
    api_key: str
    phones: tuple[Phone, ...]
    pids: dict[str, int]
    data: str
    whatsapp: Loopback
    setup: str | None = None


class _WhatsAppAnswer(msgspec.Struct, kw_only=True):
    """The line that the loopback WhatsApp's process prints when it is up."""

    proxy: str
    ca_file: str
    root_key: str
    control: str
    phones: tuple[Phone, ...]


class Sandbox:
    """Starts the loopback WhatsApp, then a gateway joined to it, and keeps both up until stopped.

    Ports stay the same across restarts of either process, so that a client only ever sees a short outage.
    ``environment`` is for the gateway: how it runs.
    """

    def __init__(
        self, *, data: Path, port: int = 0, control_port: int = 0, environment: Mapping[str, str] | None = None
    ) -> None:
        self._data = data
        self._environment = dict(environment or {})
        self._port = port or free_port()
        self._control_port = control_port or free_port()
        self._whatsapp_port = free_port()
        self._answer: _WhatsAppAnswer | None = None
        self._whatsapp = self._whatsapp_child()
        self._gateway = self._gateway_child()
        self._api_key = ""

    @property
    def gateway_url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def rig(self) -> Rig:
        """What to tell a client; the process ids are those of this moment."""
        assert self._answer is not None, "start() first"
        loopback = Loopback(proxy=self._answer.proxy, ca_file=self._answer.ca_file, root_key=self._answer.root_key)
        return Rig(
            gateway=self.gateway_url,
            control=self._answer.control,
            api_key=self._api_key,
            phones=self._answer.phones,
            pids={"gateway": self._gateway.pid, "whatsapp": self._whatsapp.pid},
            data=str(self._data),
            whatsapp=loopback,
            setup=self._setup_link(),
        )

    async def start(self) -> None:
        """Bring both up; returns when the gateway says it is ready."""
        self._data.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._config_file.touch(mode=0o600)
        await self._whatsapp.start()
        try:
            self._write_loopback_file()
            self._api_key = await self._ensure_api_key()
            await self._gateway.start()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop the gateway first, so that its sessions leave in an orderly way."""
        await self._gateway.stop()
        await self._whatsapp.stop()

    def _whatsapp_child(self) -> Child:
        folder = self._data / "whatsapp"
        command = [sys.executable, "-m", "sessions.sandbox", "--data", str(folder)]
        command += ["--port", str(self._whatsapp_port), "--control-port", str(self._control_port)]
        return Child(
            name="whatsapp",
            command=command,
            environment=dict(os.environ),
            ready=self._read_whatsapp_line,
            on_up=self._write_rig,
            log_path=str(self._data / "whatsapp.log"),
            pipe_output=True,
        )

    def _gateway_child(self) -> Child:
        command = [sys.executable, "-m", "gateway", "serve", "--loopback-file", str(self._loopback_file)]
        return Child(
            name="gateway",
            command=command,
            environment=self._gateway_environment(),
            ready=self._wait_until_ready,
            on_up=self._write_rig,
            log_path=str(self._data / "gateway.log"),
        )

    def _gateway_environment(self) -> dict[str, str]:
        """How it runs may be set from outside; where it lives may not: it must never meet an operator's own gateway."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_PASSED_ON)}
        return kept | {
            **self._environment,
            "WAGATE_CONFIG": str(self._config_file),
            "WAGATE_STORE__DATA_FOLDER": str(self._data / "gateway"),
            "WAGATE_HTTP__HOST": "127.0.0.1",
            "WAGATE_HTTP__PORT": str(self._port),
            "WAGATE_GUARD__ALLOW_NETWORKS": SANDBOX_NETWORKS,
        }

    @property
    def _loopback_file(self) -> Path:
        return self._data / "loopback.json"

    @property
    def _config_file(self) -> Path:
        """The sandbox's own settings, so that a ``config.toml`` in the current folder is not taken for them."""
        return self._data / "config.toml"

    @property
    def _key_file(self) -> Path:
        return self._data / "api_key"

    def _setup_link(self) -> str | None:
        file = self._data / "gateway" / "setup-link"
        return file.read_text("utf-8").strip() if file.exists() else None

    def _write_rig(self) -> None:
        """Keep ``rig.json`` true: after a restart a process has another id."""
        if self._gateway.pid:
            file = self._data / "rig.json"
            file.touch(mode=0o600)
            file.write_bytes(msgspec.json.encode(self.rig) + b"\n")

    def _write_loopback_file(self) -> None:
        assert self._answer is not None
        told = {"proxy": self._answer.proxy, "ca_file": self._answer.ca_file, "root_key": self._answer.root_key}
        self._loopback_file.write_text(json.dumps(told), "utf-8")

    async def _read_whatsapp_line(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        async with asyncio.timeout(READY_SECONDS):
            line = await process.stdout.readline()
        if not line:
            await process.wait()
            raise ChildDiedError("whatsapp", process.returncode or 0, str(self._data / "whatsapp.log"))
        self._answer = msgspec.json.decode(line, type=_WhatsAppAnswer)

    async def _wait_until_ready(self, process: asyncio.subprocess.Process) -> None:
        """Ask /readyz until it says yes; a process that dies meanwhile is noticed by the child's minder."""
        async with aiohttp.ClientSession() as http, asyncio.timeout(READY_SECONDS):
            while not await self._is_ready(http):
                await asyncio.sleep(0.03)

    async def _is_ready(self, http: aiohttp.ClientSession) -> bool:
        try:
            async with http.get(f"{self.gateway_url}/readyz") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    async def _ensure_api_key(self) -> str:
        """Make a key the first time, with the same command an operator would use; keep it beside the data."""
        if self._key_file.exists():
            return self._key_file.read_text("utf-8").strip()
        command = [sys.executable, "-m", "gateway", "key", "create", "sandbox", "--plain"]
        command += ["--loopback-file", str(self._loopback_file)]
        process = await asyncio.create_subprocess_exec(
            *command,
            env=self._gateway_environment(),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        output, complaint = await process.communicate()
        if process.returncode:
            raise CannotStartError(f"no API key could be made: {complaint.decode(errors='replace').strip()}")
        key = output.decode().strip().splitlines()[-1]
        self._key_file.touch(mode=0o600)
        self._key_file.write_text(key, "utf-8")
        return key


def free_port() -> int:
    """A loopback port nobody listens on at this moment.

    Taken from below the range that the kernel gives to outgoing connections, since one of those could otherwise have
    it by the time the process that it is meant for comes to listen.
    """
    while True:
        port = random.SystemRandom().randrange(20_000, 32_000)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port


def new_data_folder(parent: Path) -> Path:
    """A fresh folder name for a sandbox that is thrown away afterwards."""
    return parent / f"wagate-sandbox-{secrets.token_hex(4)}"
