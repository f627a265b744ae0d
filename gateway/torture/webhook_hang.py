"""Half of many endpoints hang: the others must not notice."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Self

import aiohttp
from aiohttp import web

from gateway.bench.figures import percentile
from gateway.torture.contract import Claim, Ordeal, Torture
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


async def run(ordeal: Ordeal) -> Sequence[Claim]:
    """In each round time the steady ones twice: while the moody ones answer, and while they hang."""
    async with (
        open_world(ordeal.folder, environment={"WAGATE_HTTP__REQUESTS_PER_SECOND": "100000"}) as world,
        Hooks() as hooks,
        aiohttp.ClientSession() as http,
    ):
        talker = await Talker.meet(world, http, per_second=EVENTS_PER_SECOND)
        await _endpoints(world, f"{hooks.url}/steady")
        rounds = []
        for number in range(max(3, ordeal.times(ROUNDS))):
            rounds.append(await _round(ordeal, world, hooks, talker))
            ordeal.tell(f"round {number + 1}: {rounds[-1][0] * 1000:.0f} ms, {rounds[-1][1] * 1000:.0f} ms")
    ratio = statistics.median(hanging / well for well, hanging, _ in rounds)
    return [
        Claim(name="endpoints", measured=ENDPOINTS, note="half of them moody"),
        Claim(name="rounds", measured=len(rounds)),
        Claim(name="requests that hung at a time", measured=min(most for *_, most in rounds), at_least=ENDPOINTS // 4),
        Claim(name="steady p99 while all answer", measured=_median_ms(rounds, 0), unit="ms", note="median of rounds"),
        Claim(name="steady p99 while half hang", measured=_median_ms(rounds, 1), unit="ms", note="median of rounds"),
        Claim(name="steady p99, hanging to answering", measured=round(ratio, 3), at_most=1.1, note="median of rounds"),
    ]


async def _round(ordeal: Ordeal, world: World, hooks: Hooks, talker: Talker) -> tuple[float, float, int]:
    """The p99 of both phases, and how many requests hung."""
    moody = await _endpoints(world, f"{hooks.url}/moody")
    well = await _phase(ordeal, hooks, talker)
    hooks.moody_hang = True
    hanging = await _phase(ordeal, hooks, talker)
    most = hooks.hanging
    hooks.moody_hang = False
    for endpoint in moody:
        await world.client.api("DELETE", f"/webhooks/{endpoint}")
    return well, hanging, most


async def _phase(ordeal: Ordeal, hooks: Hooks, talker: Talker) -> float:
    """The p99 of the steady ones over one stretch of talking."""
    await asyncio.sleep(_SETTLE_SECONDS)
    hooks.delays.clear()
    is_over = asyncio.Event()
    asyncio.get_running_loop().call_later(max(5.0, SECONDS_PER_PHASE * min(ordeal.scale, 1.0)), is_over.set)
    await talker.run(is_over)
    await asyncio.sleep(_SETTLE_SECONDS)
    return percentile(hooks.delays, 0.99)


async def _endpoints(world: World, url: str) -> list[str]:
    """Half of all endpoints, at addresses of their own."""
    free = asyncio.Semaphore(_AT_ONCE)

    async def create(number: int) -> str:
        async with free:
            wanted = {"url": f"{url}/{number}", "events": ["contact.*"]}
            return str((await world.client.api("POST", "/webhooks", wanted))["id"])

    return list(await asyncio.gather(*(create(number) for number in range(ENDPOINTS // 2))))


def _median_ms(rounds: Sequence[tuple[float, float, int]], which: int) -> float:
    return round(statistics.median(entry[which] for entry in rounds) * 1000, 1)


TORTURE = Torture(
    name="webhook-hang",
    sentence="half of 200 endpoints hang until they are given up: how late the others hear",
    run=run,
)
