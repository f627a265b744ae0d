"""The shipped unit under a real systemd: the whole journey in its confinement, and what systemd does when it must."""

from __future__ import annotations

import re
import signal

import pytest

from tests.journeys.house import House, poll
from tests.systemd.conftest import Hosted

pytestmark = pytest.mark.long


async def test_the_whole_journey_runs_in_the_confinement_of_the_unit(hosted: Hosted, house: House) -> None:
    line = await house.link("shop")
    customer = await house.phone("Ada")

    sent = await line.send(customer, "hello from a service")
    await house.phones.send_text(customer.number, line.phone.number, "hello back")
    (received,) = await line.received()

    assert sent["state"] == "delivered"
    assert received["text"]["body"] == "hello back"
    assert await hosted.nest.show("NRestarts") == "0"


async def test_it_may_do_nothing_that_it_never_has_to(hosted: Hosted) -> None:
    status = await hosted.nest.read(f"/proc/{await hosted.main_pid()}/status")
    told = dict(re.findall(r"^(\w+):\s+(.*)$", status, flags=re.MULTILINE))

    assert told["NoNewPrivs"] == "1"
    assert told["Seccomp"] == "2"  # a filter is in force
    assert int(told["CapBnd"], 16) == int(told["CapEff"], 16) == 0
    assert "0" not in told["Uid"].split()


async def test_a_killed_gateway_is_started_again_and_what_it_accepted_arrives_once(
    hosted: Hosted, house: House
) -> None:
    line = await house.link("killed")
    customer = await house.phone("Bo")
    queued = [await line.queue(customer, f"hello {number}") for number in range(10)]

    await hosted.kill(signal.SIGKILL)
    for message in queued:
        await line.follow(message["id"], "delivered", timeout_seconds=30)
    arrived = [message["text"]["body"] for message in await house.phones.messages(customer.number)]

    assert arrived == [f"hello {number}" for number in range(10)]


async def test_a_gateway_that_hangs_is_started_again_by_the_watchdog(hosted: Hosted, house: House) -> None:
    line = await house.link("hung")
    before, pid = int(await hosted.nest.show("NRestarts")), await hosted.main_pid()

    await hosted.kill(signal.SIGSTOP)

    async def is_back() -> bool:
        restarted = int(await hosted.nest.show("NRestarts")) > before
        return restarted and await hosted.nest.show("ActiveState") == "active"

    await poll(is_back, timeout_seconds=45)
    await line.becomes("connected")
    assert await hosted.main_pid() != pid


async def test_it_stops_in_order_and_leaves_no_process_behind(hosted: Hosted, house: House) -> None:
    await house.link("stopped")

    await hosted.nest.systemctl("stop", "wagate.service")

    assert await hosted.nest.show("Result") == "success"
    assert await hosted.nest.show("ActiveState") == "inactive"
    assert await hosted.nest.processes() == []


async def test_a_wrong_setting_is_told_and_not_tried_for_ever(hosted: Hosted) -> None:
    await hosted.nest.systemctl("stop", "wagate.service")
    await hosted.nest.write("/etc/wagate/config.toml", "[http]\nport = 0\n")

    await hosted.nest.systemctl("start", "wagate.service")

    assert await hosted.nest.show("ActiveState") == "failed"
    assert await hosted.nest.show("ExecMainStatus") == "2"
    assert "http.port = 0" in await hosted.nest.read("/var/log/wagate.log")
