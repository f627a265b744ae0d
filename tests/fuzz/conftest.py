"""A sandbox of the fuzzers' own: a gateway with one linked session on the real engine, and one of everything."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateway.sandbox.rig import Sandbox
from tests.journeys.house import House, Line
from tests.media.samples import jpeg
from tests.serving import EMAIL, FROM_OUR_PAGE, PASSWORD


@dataclass(frozen=True)
class Target:
    """A gateway to be fuzzed, what there is in it, and the headers of a program and of its owner."""

    house: House
    line: Line
    ids: dict[str, str]
    program: dict[str, str]
    owner: dict[str, str]

    @property
    def log(self) -> Path:
        return Path(self.house.sandbox.rig.data) / "gateway.log"


@pytest.fixture(scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    environment = {"WAGATE_HTTP__REQUESTS_PER_SECOND": "10000", "WAGATE_HTTP__BURST": "10000"}
    sandbox = Sandbox(data=tmp_path_factory.mktemp("fuzz") / "sandbox", environment=environment)
    await sandbox.start()
    made = House(sandbox)
    yield made
    await made.close()
    await sandbox.stop()


@pytest.fixture(scope="module")
async def target(house: House) -> Target:
    line = await house.link("line")
    return Target(
        house=house,
        line=line,
        ids=await _one_of_everything(house, line),
        program={"Authorization": f"Bearer {house.api.key}"},
        owner={"Cookie": await _owner(house), **FROM_OUR_PAGE},
    )


async def _owner(house: House) -> str:
    """The cookie of the gateway's owner."""
    link = house.sandbox.rig.setup
    assert link is not None
    body = {"token": link.rpartition("token=")[2], "name": "Olga", "email": EMAIL, "password": PASSWORD}
    answer = await house.api.ask("POST", "/auth/setup", body, headers=FROM_OUR_PAGE)
    assert answer.status == 201, answer.body
    return str(answer.headers["Set-Cookie"].partition(";")[0])


async def _one_of_everything(house: House, line: Line) -> dict[str, str]:
    api = house.api
    other = await house.phone("Ana")
    message = await line.send(other, "hello")
    group = await api.post("/groups", {"session": line.id, "subject": "ours", "participants": [other.e164]})
    hook = await api.post("/webhooks", {"url": "http://127.0.0.1:9/hook"})
    await api.post(f"/webhooks/{hook['id']}/test")
    delivery = await api.until("/deliveries", lambda page: bool(page["items"]))
    when = {"cron": "0 9 * * *", "time_zone": "UTC"}
    text = {"session": line.id, "to": other.e164, "type": "text", "text": {"body": "hello"}}
    schedule = await api.post("/schedules", {"message": text, **when})
    await api.ask("PUT", "/events/consumers/crm", {})
    channel: Any = await api.post(f"/sessions/{line.id}/channels", {"name": "ours"})
    return {
        "session": line.id,
        "phone": other.e164,
        "message": message["id"],
        "chat": message["chat"],
        "contact": message["contact"],
        "media": (await api.upload(jpeg(64, 64), "image/jpeg"))["id"],
        "group": group["id"],
        "webhook": hook["id"],
        "delivery": delivery["items"][0]["id"],
        "schedule": schedule["id"],
        "consumer": "crm",
        "channel": channel["id"],
        "server_id": "100",
    }
