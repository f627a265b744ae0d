"""The gateway as a service of a real systemd, beside a WhatsApp on loopback."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.sandbox.rig import SANDBOX_NETWORKS, free_port
from sessions.sandbox.control.api import Control
from sessions.sandbox.loopback import LoopbackWhatsApp
from tests.journeys.house import House
from tests.systemd.nest import LOG, Nest, NoNestError, why_not

_ETC = "/etc/wagate"
_GATEWAY = f"{sys.executable} -m gateway"
_JOINED = f"--config {_ETC}/config.toml --loopback-file {_ETC}/loopback.json"
_KEY = "/var/lib/wagate/key-of-the-test"
#: A key for the test, made in the service's own confinement before its first start.
_MAKE_A_KEY = f"ExecStartPre=/bin/sh -c 'test -e {_KEY} || {_GATEWAY} key create test --plain {_JOINED} > {_KEY}'"

#: The unit's own half a minute would make the test of the watchdog long; much less is missed on a busy machine.
_IMPATIENT = "WatchdogSec=10"


@dataclass(frozen=True)
class _Rig:
    api_key: str
    control: str


@dataclass(frozen=True)
class Hosted:
    """The service as its users and its administrator see it; stands where journeys expect a sandbox."""

    nest: Nest
    gateway_url: str
    rig: _Rig

    async def main_pid(self) -> int:
        """The daemon's process id, as systemd inside counts them."""
        return int(await self.nest.show("MainPID"))

    async def kill(self, number: signal.Signals) -> None:
        """Send the daemon, and only the daemon, a signal."""
        await self.nest.systemctl("kill", "--kill-who=main", f"--signal={number.name}", "wagate.service")


@pytest.fixture(scope="module")
async def hosted(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Hosted]:
    """The shipped unit, started by systemd and ready."""
    reason = why_not()
    if reason is not None:
        pytest.skip(f"a systemd of our own: {reason}")
    folder = tmp_path_factory.mktemp("systemd")
    whatsapp = LoopbackWhatsApp(folder=folder / "whatsapp")
    control = Control(whatsapp=whatsapp)
    await whatsapp.start()
    await control.start()
    nest, port = Nest(folder / "nest"), free_port()
    _lay_out(nest, folder, whatsapp, port)
    try:
        try:
            await nest.boot()
        except NoNestError as error:
            pytest.skip(f"a systemd of our own: this machine does not allow it: {error}")
        await nest.systemctl("start", "wagate.service")
        assert await nest.show("ActiveState") == "active", await nest.read(LOG)
        rig = _Rig(api_key=await nest.read(_KEY), control=control.url)
        yield Hosted(nest=nest, gateway_url=f"http://127.0.0.1:{port}", rig=rig)
    finally:
        await nest.shut_down()
        await control.stop()
        await whatsapp.stop()


@pytest.fixture
async def house(hosted: Hosted) -> AsyncIterator[House]:
    made = House(hosted)
    yield made
    await made.close()


def _lay_out(nest: Nest, folder: Path, whatsapp: LoopbackWhatsApp, port: int) -> None:
    config = f"[http]\nport = {port}\n[guard]\nallow_networks = {SANDBOX_NETWORKS}\n"
    nest.lay_out(exec_start=f"{_GATEWAY} serve {_JOINED}", config=config, settings=[_MAKE_A_KEY, _IMPATIENT])
    told = {"proxy": whatsapp.proxy_url, "ca_file": f"{_ETC}/ca.pem", "root_key": whatsapp.root_key.hex()}
    nest.put(f"{_ETC}/loopback.json", json.dumps(told))
    nest.put(f"{_ETC}/ca.pem", whatsapp.ca_file.read_text("utf-8"))
