"""One sandbox for all journeys: the real engine, the real processes, a WhatsApp on loopback."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from gateway.sandbox.rig import Sandbox
from tests.journeys.house import House, Line, Phone, Receiver

LinkALine = Callable[..., Awaitable[Line]]

#: What the log says, rightly as an error, of workers that these tests kill.
_KILLED_HERE = "worker ended unexpectedly with status -9"
#: Numbers, keys, links and words of messages.
_PRIVATE = re.compile(r"1202555\d|wag_\w|whsec_|/pair/[\w-]{8}|hello")


@pytest.fixture(scope="session")
async def shared_house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """What all journeys share; ask for ``house``, which looks after each of them."""
    sandbox = Sandbox(data=tmp_path_factory.mktemp("journeys") / "sandbox")
    await sandbox.start()
    house = House(sandbox)
    yield house
    await house.close()
    await sandbox.stop()


@pytest.fixture
async def house(shared_house: House) -> AsyncIterator[House]:
    """The sandbox. Afterwards nothing was asked that WhatsApp does not know, and the log keeps what it must keep."""
    log = Path(shared_house.sandbox.rig.data) / "gateway.log"
    before = log.stat().st_size
    yield shared_house
    await shared_house.phones.clear_faults()
    state = await shared_house.phones.state()
    assert (await shared_house.phones.unknown(), state["failures"]) == ([], 0)
    check_log(log.read_bytes()[before:].decode(errors="replace"))


@pytest.fixture
async def link(house: House) -> AsyncIterator[LinkALine]:
    """``await link("shop")``: a session of this test's own, linked and connected."""
    lines: list[Line] = []

    async def make(name: str = "line", phone: Phone | None = None) -> Line:
        line = await house.link(name, phone)
        lines.append(line)
        return line

    yield make
    await house.phones.clear_faults()
    for line in lines:
        await house.api.ask("DELETE", f"/sessions/{line.id}")


@pytest.fixture
async def line(link: LinkALine) -> Line:
    """One linked session."""
    return await link("line")


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """An endpoint on loopback."""
    made = Receiver()
    await made.start()
    yield made
    await made.stop()


def check_log(text: str) -> None:
    """Fail where the gateway's log tells of a fault of ours, or what nobody but the customer may know."""
    lines = [line for line in text.splitlines() if _KILLED_HERE not in line]
    faults = [line for line in lines if "Traceback" in line or '"level": "error"' in line]
    assert not faults, faults[0][:4000]
    strays = [line for line in lines if '"event": "session status changed"' in line and '"request_id"' in line]
    assert not strays, f"no request did this: {strays[0]}"
    told = [line for line in lines if _PRIVATE.search(line)]
    assert not told, told[0][:4000]


@pytest.fixture(scope="module")
async def shop(shared_house: House) -> AsyncIterator[Line]:
    """A linked session for the tests of one file that only look at what they sent themselves."""
    made = await shared_house.link("shop")
    yield made
    await shared_house.api.ask("DELETE", f"/sessions/{made.id}")
