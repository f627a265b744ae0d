"""The receiving end of webhooks, and many contacts to talk about."""

from __future__ import annotations

import asyncio
import os
import time
from datetime import datetime
from pathlib import Path
from typing import Self

import aiohttp
from aiohttp import web

from gateway.torture.talkers import Talker
from gateway.torture.world import World, until


class Hook:
    """Listens on loopback, answers 204, and notes what it heard and how late."""

    def __init__(self) -> None:
        self.heard: dict[str, int] = {}  #: how often, by event id
        self.delays: list[float] = []  #: of first tries, from the commit to the arrival
        app = web.Application()
        app.router.add_post("/", self._take)
        self._runner = web.AppRunner(app, access_log=None)
        self.url = ""

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        arrived = time.time()
        event = await request.json()
        times = self.heard.get(event["id"], 0)
        self.heard[event["id"]] = times + 1
        if times == 0:
            self.delays.append(arrived - datetime.fromisoformat(event["at"]).timestamp())
        return web.Response(status=204)


async def many_talkers(world: World, http: aiohttp.ClientSession, *, count: int, per_second: float) -> list[Talker]:
    """Talkers about as many contacts, together at this rate: events about one contact go out one after the other."""
    line = await world.line()
    contacts = []
    for _ in range(count):
        message = {"session": line.id, "to": f"+{await world.phone()}", "type": "text", "text": {"body": "hello"}}
        contacts.append((await world.client.api("POST", "/messages", message))["contact"])

    async def are_all_sent() -> bool:
        found = await world.ask("/messages?state=queued")
        return found is not None and not found["items"]

    await until(are_all_sent, what="end of the first messages", timeout_seconds=60.0)
    each = per_second / count
    return [Talker(world=world, http=http, contact=contact, per_second=each) for contact in contacts]


async def talk_for(talkers: list[Talker], seconds: float) -> None:
    """Let all of them talk."""
    is_over = asyncio.Event()
    asyncio.get_running_loop().call_later(seconds, is_over.set)
    async with asyncio.TaskGroup() as talking:
        for talker in talkers:
            talking.create_task(talker.run(is_over))


def seconds_at_work(pid: int) -> float:
    """How long a process has kept a processor busy so far."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
