"""Many who follow the event log at once: what it costs, and how late they hear."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp

from gateway.bench.figures import percentile
from gateway.torture.contract import Claim, Ordeal, Torture
from gateway.torture.listeners import StreamListener
from gateway.torture.talkers import Talker, log_after, many_keys, newest_position
from gateway.torture.world import World, open_world, until

LISTENERS = 500
PER_KEY = 10
EVENTS_PER_SECOND = 20.0
SECONDS = 30
_TYPES = "contact.*"


async def run(ordeal: Ordeal) -> Sequence[Claim]:
    """Open the streams, talk for a while, then compare what each heard with the log."""
    async with open_world(ordeal.folder, environment={"WAGATE_HTTP__REQUESTS_PER_SECOND": "100000"}) as world:
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=None)) as http:
            return await _gather(ordeal, world, http)


async def _gather(ordeal: Ordeal, world: World, http: aiohttp.ClientSession) -> Sequence[Claim]:
    talker = await Talker.meet(world, http, per_second=EVENTS_PER_SECOND)
    begin = await newest_position(world)
    before = _memory_kib(world)
    delays: list[float] = []
    listeners = await _listeners(world, http, begin, ordeal.times(LISTENERS), delays)
    running = [asyncio.create_task(listener.run()) for listener in listeners]
    try:
        await _until_open(world, len(listeners))
        busy = _seconds_at_work(world)
        await _talk_for(talker, max(2.0, SECONDS * min(ordeal.scale, 1.0)))
        busy = _seconds_at_work(world) - busy
        expected = await log_after(world, begin, types=_TYPES)
        memory = _memory_kib(world)

        async def all_heard() -> bool:
            return all(len(listener.heard) >= len(expected) for listener in listeners)

        await until(all_heard, what="last event at every listener", timeout_seconds=60.0)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
    strange = sum(listener.heard != expected for listener in listeners)
    return [
        Claim(name="listeners", measured=len(listeners), note=f"{PER_KEY} a key"),
        Claim(name="events", measured=len(expected), note=f"{EVENTS_PER_SECOND:.0f} a second"),
        Claim(name="listeners with a gap, a double or another order", measured=strange, at_most=0),
        Claim(name="commit to listener p50", measured=round(percentile(delays, 0.5) * 1000, 1), unit="ms"),
        Claim(
            name="commit to listener p99", measured=round(percentile(delays, 0.99) * 1000, 1), unit="ms", at_most=1000
        ),
        Claim(name="gateway's time per event heard", measured=round(busy / len(delays) * 1e6, 1), unit="µs"),
        Claim(name="gateway's memory per listener", measured=round((memory - before) / len(listeners), 1), unit="KiB"),
        Claim(name="gateway's memory in all", measured=round(memory / 1024, 1), unit="MiB"),
    ]


async def _talk_for(talker: Talker, seconds: float) -> None:
    is_over = asyncio.Event()
    asyncio.get_running_loop().call_later(seconds, is_over.set)
    await talker.run(is_over)


async def _until_open(world: World, count: int) -> None:
    """Until the gateway itself counts so many streams."""

    async def are_open() -> bool:
        async with (
            aiohttp.ClientSession() as http,
            http.get(f"{world.sandbox.gateway_url}/metrics") as answer,
        ):
            text = await answer.text()
        return f'wagate_event_streams{{kind="sse"}} {float(count)}' in text

    await until(are_open, what="open streams", timeout_seconds=60.0)


async def _listeners(
    world: World, http: aiohttp.ClientSession, begin: str, count: int, delays: list[float]
) -> list[StreamListener]:
    keys = await many_keys(world, -(-count // PER_KEY))

    def note(event: dict[str, Any]) -> None:
        delays.append(time.time() - datetime.fromisoformat(event["at"]).timestamp())

    url = world.sandbox.gateway_url
    return [
        StreamListener(url=url, key=keys[index // PER_KEY], after=begin, types=_TYPES, http=http, on_event=note)
        for index in range(count)
    ]


def _memory_kib(world: World) -> int:
    """What the daemon holds in memory."""
    status = Path(f"/proc/{world.gateway_pid}/status").read_text("ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))


def _seconds_at_work(world: World) -> float:
    """How long the daemon has kept a processor busy so far."""
    fields = Path(f"/proc/{world.gateway_pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


TORTURE = Torture(
    name="sse-crowd",
    sentence="500 follow the event log at once; how late they hear, and what they cost",
    run=run,
)
