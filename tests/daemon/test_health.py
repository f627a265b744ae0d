"""Probes get the truth, and only those who may read metrics do."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from gateway.health import Readiness, Watchdog, disk_check, services_check, store_check
from gateway.kit.clock import SystemClock
from gateway.kit.notify import Notifier
from gateway.kit.service import Service


async def fine() -> str | None:
    return None


def readiness_of(**checks) -> Readiness:
    readiness = Readiness(checks=checks, clock=SystemClock())
    readiness.starting = False
    return readiness


async def test_it_is_ready_when_every_part_is(database, tmp_path):
    readiness = readiness_of(store=store_check(database, SystemClock()), disk=disk_check(tmp_path))

    assert await readiness.problems() == {"store": None, "disk": None}


async def test_while_it_starts_or_stops_it_is_not_ready():
    readiness = Readiness(checks={"part": fine}, clock=SystemClock())

    assert await readiness.problems() == {"gateway": "starting"}
    readiness.starting = False
    assert await readiness.problems() == {"part": None}
    readiness.stopping = True
    assert await readiness.problems() == {"gateway": "stopping"}


async def test_a_store_that_is_gone_is_a_problem_and_other_parts_are_still_told(database):
    await database.close()
    readiness = readiness_of(store=store_check(database, SystemClock()), part=fine)

    assert await readiness.problems() == {"store": "The store is closed", "part": None}


async def test_a_part_that_does_not_answer_is_a_problem_within_two_seconds():
    async def hang() -> str | None:
        await asyncio.Event().wait()
        return None

    async with asyncio.timeout(2.5):
        assert await readiness_of(part=hang).problems() == {"part": "no answer within 2 s"}


async def test_a_service_that_died_is_named():
    class Doomed(Service):
        async def run(self) -> None:
            raise RuntimeError("out of luck")

    doomed = Doomed()
    await doomed.start()
    await doomed.stop()

    assert await readiness_of(services=services_check(doomed)).problems() == {"services": "died: Doomed"}


async def test_many_who_ask_at_once_cost_one_look():
    looks: list[int] = []

    async def look() -> str | None:
        looks.append(1)
        return None

    readiness = readiness_of(part=look)

    await asyncio.gather(*(readiness.problems() for _ in range(50)))

    assert len(looks) == 1


@pytest.mark.parametrize(("problem", "fed"), [(None, True), ("broken", False)])
async def test_the_watchdog_is_fed_only_while_the_parts_that_matter_answer(problem, fed):
    looks = asyncio.Event()
    fedings: list[str] = []

    class Listening(Notifier):
        def alive(self) -> None:
            fedings.append("alive")

    async def check() -> str | None:
        looks.set()
        return problem

    watchdog = Watchdog(
        notifier=Listening(address=None, watchdog_seconds=30.0), readiness=readiness_of(store=check), parts=("store",)
    )
    await watchdog.start()
    await asyncio.wait_for(looks.wait(), 5)
    await watchdog.stop()

    assert bool(fedings) is fed


async def ask(gateway, path: str, **headers: str) -> tuple[int, str, str]:
    async with aiohttp.ClientSession() as http, http.get(f"{gateway.url}{path}", headers=headers) as answer:
        return answer.status, answer.content_type, await answer.text()


async def test_a_running_gateway_says_that_it_is_alive_and_ready(gateway):
    status, _, alive = await ask(gateway, "/healthz")
    assert (status, '"status":"ok"' in alive) == (200, True)

    status, _, ready = await ask(gateway, "/readyz")
    assert status == 200
    assert '"ready":true' in ready


async def test_metrics_are_for_this_machine_only(gateway):
    status, content_type, text = await ask(gateway, "/metrics")

    assert (status, content_type) == (200, "text/plain")
    assert "wagate_http_requests_total" in text
    assert (await ask(gateway, "/metrics", **{"X-Forwarded-For": "203.0.113.9"}))[0] == 404
