"""A whole gateway with a linked phone while its disk is full or broken, and while its clock jumps."""

from __future__ import annotations

import errno
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.sandbox.rig import Sandbox
from tests.hardship.faults import Faults
from tests.hardship.small_disk import SmallDisk
from tests.journeys.house import House, poll

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def faults(fault_library: Path, tmp_path_factory: pytest.TempPathFactory) -> Faults:
    """What goes wrong with the gateway's files and clock, and its workers'; WhatsApp's own are well."""
    folder = tmp_path_factory.mktemp("hardship")
    return Faults(library=fault_library, control=folder / "control", folder=(folder / "sandbox/gateway").resolve())


@pytest.fixture(scope="module")
def disk(faults: Faults) -> Iterator[SmallDisk]:
    """What the gateway and its workers keep everything on."""
    made = SmallDisk(Path(faults.environment["FAULTS_FOLDER"]), mebibytes=256)
    reason = made.mount()
    if reason is not None:
        pytest.skip(f"a disk of our own: {reason}")
    yield made
    made.unmount()


@pytest.fixture(scope="module")
async def shared_house(faults: Faults, disk: SmallDisk) -> AsyncIterator[House]:
    """A sandbox whose gateway runs with the faults, on the small disk."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in faults.environment.items():
            patch.setenv(name, value)
        sandbox = Sandbox(data=Path(faults.environment["FAULTS_FOLDER"]).parent)
        await sandbox.start()
    made = House(sandbox)
    yield made
    await made.close()
    await sandbox.stop()


@pytest.fixture
async def house(shared_house: House, faults: Faults, disk: SmallDisk) -> AsyncIterator[House]:
    yield shared_house
    disk.empty()
    faults.heal()
    faults.set_clock(ahead_seconds=0)


async def readiness(house: House) -> int:
    async with house.api.http.get(f"{house.api.url}/readyz") as answer:
        return answer.status


async def test_on_a_full_disk_nothing_is_accepted_that_cannot_be_kept_and_all_is_well_when_there_is_room(
    house: House, disk: SmallDisk
) -> None:
    line, customer = await house.link("full"), await house.phone("Ada")
    await line.send(customer, "hello before")
    gateway = house.sandbox.rig.pids["gateway"]

    disk.fill()
    refused = await house.api.refused(
        503,
        "store_failed",
        "POST",
        "/messages",
        {"session": line.id, "to": customer.e164, "text": {"body": "hello no"}},
    )
    await poll(lambda: _is(house, 503), timeout_seconds=3)
    for number in range(3):
        await house.phones.send_text(customer.number, line.phone.number, f"hello {number}")
    disk.empty()

    await poll(lambda: _is(house, 200))
    sent = await line.send(customer, "hello after")
    received = [message["text"]["body"] for message in await line.received(3)]
    arrived = [message["text"]["body"] for message in await house.phones.messages(customer.number)]
    assert "detail" in refused
    assert sent["state"] == "delivered"
    assert received == ["hello 0", "hello 1", "hello 2"]
    assert arrived == ["hello before", "hello after"]
    assert house.sandbox.rig.pids["gateway"] == gateway


async def test_a_disk_that_fails_for_a_while_is_not_ready_meanwhile_and_costs_nothing(
    house: House, faults: Faults
) -> None:
    line, customer = await house.link("broken"), await house.phone("Cy")

    faults.fail(error=errno.EIO, stays=True)
    await poll(lambda: _is(house, 503), timeout_seconds=3)
    await house.phones.send_text(customer.number, line.phone.number, "hello meanwhile")
    assert faults.failed > 0
    faults.heal()

    await poll(lambda: _is(house, 200))
    await line.send(customer, "hello after")
    (received,) = await line.received(1)
    assert received["text"]["body"] == "hello meanwhile"


async def test_a_clock_that_jumps_sends_what_is_due_once_and_disturbs_no_session(house: House, faults: Faults) -> None:
    line, customer = await house.link("clock"), await house.phone("Bo")
    in_an_hour = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    later = await line.queue(customer, "hello later", send_at=in_an_hour)

    faults.set_clock(ahead_seconds=3700)
    await line.follow(later["id"], "delivered", timeout_seconds=20)
    faults.set_clock(ahead_seconds=-7200)
    await line.send(customer, "hello again")
    await house.phones.send_text(customer.number, line.phone.number, "hello back")
    await line.received(1)
    faults.set_clock(ahead_seconds=3700)
    await line.send(customer, "hello at last")

    arrived = [message["text"]["body"] for message in await house.phones.messages(customer.number)]
    session = await line.becomes("connected")
    assert arrived == ["hello later", "hello again", "hello at last"]
    assert all(reason["reason"] not in ("worker_crashed", "engine_deaf") for reason in session.get("reasons", []))


async def _is(house: House, status: int) -> bool:
    return await readiness(house) == status
