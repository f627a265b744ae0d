"""Webhooks and the death of the daemon: whatever was accepted is delivered after it is back."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from standardwebhooks.webhooks import Webhook as Verifier

pytestmark = pytest.mark.long

KILLS = 3


class Receiver:
    """Checks every signature; remembers which sessions it was told of, and under which ids."""

    def __init__(self) -> None:
        self.url = ""
        self.secret = ""
        self.told: dict[str, set[str]] = {}

    async def handle(self, request: web.Request) -> web.Response:
        event = Verifier(self.secret).verify(await request.read(), dict(request.headers))
        self.told.setdefault(event["data"]["id"], set()).add(request.headers["webhook-id"])
        return web.Response(status=204)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    made = Receiver()
    app = web.Application()
    app.router.add_post("/", made.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    yield made
    await runner.cleanup()


async def test_nothing_accepted_is_forgotten_when_the_daemon_is_killed(
    launch: Any, command: Any, receiver: Receiver, eventually: Any
) -> None:
    allowed = {"WAGATE_GUARD__ALLOW_NETWORKS": json.dumps(["127.0.0.0/8"])}
    gateway = await launch(**allowed)
    _, key, _ = await command(gateway, "key", "create", "test", "--plain")
    headers = {"Authorization": f"Bearer {key.strip()}"}
    wanted = {"url": receiver.url, "events": ["session.created"]}
    accepted: list[str] = []

    async with aiohttp.ClientSession(headers=headers) as http:
        async with http.post(f"{gateway.url}/api/v1/webhooks", json=wanted) as answer:
            receiver.secret = (await answer.json())["secret"]
        for round_ in range(KILLS):
            callers = [asyncio.create_task(create_until_it_dies(http, gateway.url, f"{round_}-{n}")) for n in range(4)]
            enough = len(receiver.told) + 20
            await eventually(lambda enough=enough: len(receiver.told) > enough)
            await gateway.end(signal.SIGKILL)
            accepted += [name for names in await asyncio.gather(*callers) for name in names]
            gateway = await launch(**allowed)
        await eventually(lambda: set(accepted) <= receiver.told.keys(), timeout_seconds=30)

    assert len(accepted) > KILLS * 20
    assert all(len(ids) == 1 for ids in receiver.told.values())


async def create_until_it_dies(http: aiohttp.ClientSession, url: str, name: str) -> list[str]:
    """Create sessions until the gateway no longer answers; gives those that it answered with 201."""
    accepted: list[str] = []
    while True:
        try:
            async with http.post(f"{url}/api/v1/sessions", json={"name": f"s{name}-{len(accepted)}"}) as answer:
                assert answer.status == 201
                accepted.append((await answer.json())["id"])
        except aiohttp.ClientError:
            return accepted
