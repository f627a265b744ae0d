"""Half of many endpoints hang: the others must not notice."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

import aiohttp
from aiohttp import web

from gateway.bench.figures import percentile
from gateway.torture.contract import Claim, Ordeal, Torture
from gateway.torture.hooks import seconds_at_work
from gateway.torture.talkers import Talker
from gateway.torture.world import World, open_world

ENDPOINTS = 200
ROUNDS = 7
SECONDS_PER_PHASE = 30.0
EVENTS_PER_SECOND = 1.0
_AT_ONCE = 8
_SETTLE_SECONDS = 2.0


class Hooks:
    """Many endpoints on one port: those under ``/steady`` always answer, those under ``/moody`` hang when told."""

    def __init__(self) -> None:
        self.moody_hang = False
        self.hanging = 0  #: requests that hang at this moment
        self.delays: list[float] = []  #: of the steady ones, from the commit to the arrival
        app = web.Application()
        app.router.add_post("/steady/{number}", self._take)
        app.router.add_post("/moody/{number}", self._take_or_hang)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        self.url = ""

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0, backlog=1024).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        arrived = time.time()
        event = await request.json()
        self.delays.append(arrived - datetime.fromisoformat(event["at"]).timestamp())
        return web.Response(status=204)

    async def _take_or_hang(self, request: web.Request) -> web.Response:
        await request.read()
        if self.moody_hang:
            self.hanging += 1
            try:
                await asyncio.Event().wait()
            finally:
                self.hanging -= 1
        return web.Response(status=204)


@dataclass(frozen=True, kw_only=True)
class Phase:
    """What a stretch of talking came to."""

    p99: float  #: of the steady endpoints, from the commit to the arrival
    busy_per_event: float  #: the gateway's time on a processor, for all endpoints


@dataclass(frozen=True, kw_only=True)
class Round:
    """The same stretch while all answer and while half hang."""

    well: Phase
    hanging: Phase
    hung: int  #: requests that hung in the end


async def run(ordeal: Ordeal) -> Sequence[Claim]:
    """In each round time the steady ones twice: while the moody ones answer, and while they hang."""
    async with (
        open_world(ordeal.folder, environment={"WAGATE_HTTP__REQUESTS_PER_SECOND": "100000"}) as world,
        Hooks() as hooks,
        aiohttp.ClientSession() as http,
    ):
        talker = await Talker.meet(world, http, per_second=EVENTS_PER_SECOND)
        await _endpoints(world, f"{hooks.url}/steady")
        rounds: list[Round] = []
        for number in range(max(3, ordeal.times(ROUNDS))):
            rounds.append(await _round(ordeal, world, hooks, talker))
            well, hanging = rounds[-1].well, rounds[-1].hanging
            ordeal.tell(f"round {number + 1}: p99 {well.p99 * 1000:.0f} ms, {hanging.p99 * 1000:.0f} ms")
    return _claims(rounds)


def _claims(rounds: Sequence[Round]) -> list[Claim]:
    def median_ms(of: Callable[[Round], float]) -> float:
        return round(statistics.median(map(of, rounds)) * 1000, 1)

    note = "median of rounds"
    ratio = statistics.median(one.hanging.p99 / one.well.p99 for one in rounds)
    hung = min(one.hung for one in rounds)
    busy_well = median_ms(lambda one: one.well.busy_per_event)
    busy_hanging = median_ms(lambda one: one.hanging.busy_per_event)
    return [
        Claim(name="endpoints", measured=ENDPOINTS, note="half of them moody"),
        Claim(name="rounds", measured=len(rounds)),
        Claim(name="requests that hung at a time", measured=hung, at_least=ENDPOINTS // 4),
        Claim(name="gateway's time per event while all answer", measured=busy_well, unit="ms", note=note),
        Claim(name="gateway's time per event while half hang", measured=busy_hanging, unit="ms", note=note),
        Claim(name="steady p99 while all answer", measured=median_ms(lambda one: one.well.p99), unit="ms", note=note),
        Claim(name="steady p99 while half hang", measured=median_ms(lambda one: one.hanging.p99), unit="ms", note=note),
        Claim(name="steady p99, hanging to answering", measured=round(ratio, 3), at_most=1.1, note=note),
    ]


async def _round(ordeal: Ordeal, world: World, hooks: Hooks, talker: Talker) -> Round:
    """Both phases with moody endpoints of their own."""
    moody = await _endpoints(world, f"{hooks.url}/moody")
    well = await _phase(ordeal, world, hooks, talker)
    hooks.moody_hang = True
    hanging = await _phase(ordeal, world, hooks, talker)
    hung = hooks.hanging
    hooks.moody_hang = False
    for endpoint in moody:
        await world.client.api("DELETE", f"/webhooks/{endpoint}")
    return Round(well=well, hanging=hanging, hung=hung)


async def _phase(ordeal: Ordeal, world: World, hooks: Hooks, talker: Talker) -> Phase:
    """How the steady ones fare over one stretch of talking."""
    await asyncio.sleep(_SETTLE_SECONDS)
    hooks.delays.clear()
    talker.said = 0  # it keeps its rate from here on, whatever it said before
    busy = seconds_at_work(world.gateway_pid)
    is_over = asyncio.Event()
    asyncio.get_running_loop().call_later(max(5.0, SECONDS_PER_PHASE * min(ordeal.scale, 1.0)), is_over.set)
    await talker.run(is_over)
    await asyncio.sleep(_SETTLE_SECONDS)
    busy = seconds_at_work(world.gateway_pid) - busy
    return Phase(p99=percentile(hooks.delays, 0.99), busy_per_event=busy / talker.said)


async def _endpoints(world: World, url: str) -> list[str]:
    """Half of all endpoints, at addresses of their own."""
    free = asyncio.Semaphore(_AT_ONCE)

    async def create(number: int) -> str:
        async with free:
            wanted = {"url": f"{url}/{number}", "events": ["contact.*"]}
            return str((await world.client.api("POST", "/webhooks", wanted))["id"])

    return list(await asyncio.gather(*(create(number) for number in range(ENDPOINTS // 2))))


TORTURE = Torture(
    name="webhook-hang",
    sentence="half of 200 endpoints hang until they are given up: how late the others hear",
    run=run,
)
