"""Cuts the connections of those who follow the event log, again and again: nothing is missed, nothing comes twice."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from gateway.bench.figures import percentile
from gateway.torture.contract import Claim, Ordeal, Torture
from gateway.torture.listeners import CuttingProxy, SocketListener, StreamListener
from gateway.torture.talkers import Talker, log_after, many_keys, newest_position
from gateway.torture.world import World, open_world, until

STREAMS = 20
SOCKETS = 5
CUTS = 1_000
EVENTS_PER_SECOND = 200.0
_LONGEST_BYTES = 12_000
_TYPES = "contact.*"
_PER_KEY = 5  #: half of what a key may hold: the gateway may miss the last stream of a key a moment later
_PATIENCE_SECONDS = 3600.0


async def run(ordeal: Ordeal) -> Sequence[Claim]:
    """Talk at speed, cut every listener so many times, then compare what each heard with the log."""
    async with open_world(ordeal.folder, environment={"WAGATE_HTTP__REQUESTS_PER_SECOND": "100000"}) as world:
        address = urlsplit(world.sandbox.gateway_url)
        proxy = CuttingProxy(
            host="127.0.0.1", port=address.port or 0, chance=ordeal.chance, longest_bytes=_LONGEST_BYTES
        )
        connector = aiohttp.TCPConnector(limit=0, force_close=True)
        timeout = aiohttp.ClientTimeout(total=None)
        async with proxy, aiohttp.ClientSession(connector=connector, timeout=timeout) as http:
            return await _cut(ordeal, world, proxy, http)


async def _cut(ordeal: Ordeal, world: World, proxy: CuttingProxy, http: aiohttp.ClientSession) -> Sequence[Claim]:
    talker = await Talker.meet(world, http, per_second=EVENTS_PER_SECOND)
    begin = await newest_position(world)
    delays: list[float] = []
    listeners = await _listeners(world, proxy, http, begin, delays)
    running = [asyncio.create_task(listener.run()) for listener in listeners]
    is_over = asyncio.Event()
    talking = asyncio.create_task(talker.run(is_over))
    began = time.monotonic()
    wanted = ordeal.times(CUTS)

    async def all_cut() -> bool:
        _demand_alive(running)
        return min(listener.cuts for listener in listeners) >= wanted

    async def all_heard() -> bool:
        _demand_alive(running)
        return all(listener.heard and listener.heard[-1] == expected[-1] for listener in listeners)

    try:
        await until(all_cut, what="cuts", timeout_seconds=_PATIENCE_SECONDS)
        seconds = time.monotonic() - began
        is_over.set()
        await talking
        proxy.cuts = False  # cutting on would be no harder, only longer
        expected = await log_after(world, begin, types=_TYPES)
        await until(all_heard, what="last event at every listener", timeout_seconds=60.0)
    finally:
        for task in (*running, talking):
            task.cancel()
        await asyncio.gather(*running, talking, return_exceptions=True)
    return _claims(expected, listeners, delays, len(expected) / seconds)


async def _listeners(
    world: World, proxy: CuttingProxy, http: aiohttp.ClientSession, begin: str, delays: list[float]
) -> list[StreamListener | SocketListener]:
    keys = await many_keys(world, -(-(STREAMS + SOCKETS) // _PER_KEY))

    def note(event: dict[str, Any]) -> None:
        delays.append(time.time() - datetime.fromisoformat(event["at"]).timestamp())

    kinds = [StreamListener] * STREAMS + [SocketListener] * SOCKETS
    return [
        kind(url=proxy.url, key=keys[index // _PER_KEY], after=begin, types=_TYPES, http=http, on_event=note)
        for index, kind in enumerate(kinds)
    ]


def _demand_alive(running: Sequence[asyncio.Task[None]]) -> None:
    for task in running:
        if task.done():
            task.result()


def _claims(
    expected: Sequence[str], listeners: Sequence[StreamListener | SocketListener], delays: list[float], rate: float
) -> list[Claim]:
    missed = sum(len(set(expected) - set(listener.heard)) for listener in listeners)
    doubles = sum(len(listener.heard) - len(set(listener.heard)) for listener in listeners)
    strange = sum(listener.heard != list(expected) for listener in listeners)
    cuts = sum(listener.cuts for listener in listeners)
    return [
        Claim(name="cuts", measured=cuts, note=f"{STREAMS} streams and {SOCKETS} sockets"),
        Claim(name="events", measured=len(expected), note=f"{rate:.0f} a second"),
        Claim(name="events missed", measured=missed, at_most=0),
        Claim(name="events heard twice", measured=doubles, at_most=0),
        Claim(name="listeners that heard another order", measured=strange, at_most=0),
        Claim(name="commit to listener p50", measured=round(percentile(delays, 0.5) * 1000, 1), unit="ms"),
        Claim(name="commit to listener p99", measured=round(percentile(delays, 0.99) * 1000, 1), unit="ms"),
    ]


TORTURE = Torture(
    name="sse-cuts",
    sentence="cut those who follow the event log at random bytes while events are written at speed; compare with the log",
    run=run,
)
