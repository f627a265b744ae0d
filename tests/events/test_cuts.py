"""Those who follow the log are cut off at random bytes while it is written at speed: no gap, no double."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from gateway.events import store
from gateway.kit.ids import render_id
from gateway.torture.listeners import CuttingProxy, SocketListener, StreamListener
from tests.events.speaking import say
from tests.serving import Parts

pytestmark = pytest.mark.long

STREAMS = 20
SOCKETS = 5
CUTS = 6  #: `wagate torture sse-cuts` does a thousand
LEAST_SAID = 150


@pytest.fixture(autouse=True)
async def hub(parts: Parts) -> AsyncIterator[Any]:
    await parts.hub.start()
    yield parts.hub
    await parts.hub.stop()


async def talk(parts: Parts, is_over: asyncio.Event) -> None:
    number = 0
    # On a machine that writes slowly the cuts are over before much was said.
    while number < LEAST_SAID or not is_over.is_set():
        await say(parts, *range(number, number + 3))
        number += 3


async def make_listeners(parts: Parts, url: str, http: aiohttp.ClientSession) -> list[Any]:
    keys = [await parts.make_key() for _ in range(5)]
    begin = render_id("evt", await parts.hub.now())
    kinds = [StreamListener] * STREAMS + [SocketListener] * SOCKETS
    options: dict[str, Any] = {"url": url, "after": begin, "types": "webhook.*", "http": http}
    return [kind(key=keys[index % 5], **options) for index, kind in enumerate(kinds)]


async def test_who_is_cut_off_again_and_again_hears_each_event_once_and_in_order(
    parts: Parts, client: Any, eventually: Any
) -> None:
    is_over = asyncio.Event()
    proxy = CuttingProxy(host="127.0.0.1", port=client.port, chance=random.Random(7), longest_bytes=6_000)
    async with proxy, aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, force_close=True)) as http:
        listeners = await make_listeners(parts, proxy.url, http)
        running = [asyncio.create_task(listener.run()) for listener in listeners]
        talking = asyncio.create_task(talk(parts, is_over))

        await eventually(lambda: min(one.cuts for one in listeners) >= CUTS, timeout_seconds=60)
        is_over.set()
        await talking
        proxy.cuts = False
        logged = await parts.database.read(lambda tx: store.page(tx, org_id=1, after=0, limit=100_000))
        said = [render_id("evt", event.id) for event in logged if event.type == "webhook.test"]
        await eventually(lambda: all(one.heard and one.heard[-1] == said[-1] for one in listeners))
        for task in running:
            task.cancel()
        ends = await asyncio.gather(*running, return_exceptions=True)

    assert all(isinstance(end, asyncio.CancelledError) for end in ends)
    assert [one.heard == said for one in listeners] == [True] * (STREAMS + SOCKETS)
    assert len(said) >= LEAST_SAID
