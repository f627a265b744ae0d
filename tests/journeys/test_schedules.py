"""Schedules on the real engine, over a kill of the gateway."""

from __future__ import annotations

import os
import signal
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.journeys.conftest import LinkALine
from tests.journeys.house import House, poll

pytestmark = pytest.mark.long


async def test_a_time_that_came_while_the_gateway_was_dead_is_one_message(house: House, link: LinkALine) -> None:
    line = await link("calendar")
    reader = await house.phone("Reader of the calendar")
    due = (datetime.now(UTC) + timedelta(seconds=2)).replace(microsecond=0)
    wanted = {
        "message": {"session": line.id, "to": reader.e164, "type": "text", "text": {"body": "as scheduled"}},
        "rrule": "FREQ=MINUTELY;COUNT=1",
        "starts_at": due.isoformat(),
        "time_zone": "Europe/Berlin",
    }
    key = {"Idempotency-Key": f"calendar {due}"}
    made = await house.api.ask("POST", "/schedules", wanted, headers=key)
    before = house.sandbox.rig.pids["gateway"]

    async def is_almost_due() -> bool:
        return datetime.now(UTC) > due - timedelta(seconds=0.3)

    async def is_back() -> bool:
        return house.sandbox.rig.pids["gateway"] != before

    await poll(is_almost_due)
    os.kill(before, signal.SIGKILL)
    await poll(is_back)
    ended = await house.api.until(
        f"/schedules/{made.body['id']}", lambda seen: seen["state"] == "ended", timeout_seconds=30
    )
    again = await house.api.ask("POST", "/schedules", wanted, headers=key)
    [run] = (await house.api.get(f"/schedules/{made.body['id']}/runs"))["items"]
    message = await line.follow(run["message"], "delivered", timeout_seconds=30)

    assert (made.status, ended["next_at"]) == (201, None), made.body
    assert (ended["reason"], ended["fired"], ended["missed"]) == ("finished", 1, 0)
    assert datetime.fromisoformat(run["at"]) >= due == datetime.fromisoformat(run["due_at"])
    assert message["text"]["body"] == "as scheduled"
    assert again.body == made.body
    assert await texts(house, reader.number) == ["as scheduled"]


async def texts(house: House, number: str) -> list[Any]:
    return [message["text"]["body"] for message in await house.phones.messages(number, limit=100)]
