"""Makes the event log talk: changes a contact again and again, which costs the gateway little besides the event."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any, Self

import aiohttp

from gateway.access.service import EVERYTHING
from gateway.admin import Admin
from gateway.db.sqlite import SqliteDatabase
from gateway.torture.world import World, until

_AT_ONCE = 8
BEGINNING = "evt_0000000000000"


class Talker:
    """Writes events at a steady rate until told to stop."""

    def __init__(self, *, world: World, http: aiohttp.ClientSession, contact: str, per_second: float) -> None:
        self._url = f"{world.sandbox.gateway_url}/api/v1/contacts/{contact}"
        self._headers = {"Authorization": f"Bearer {world.sandbox.rig.api_key}"}
        self._http = http
        self._per_second = per_second
        self.said = 0

    @classmethod
    async def meet(cls, world: World, http: aiohttp.ClientSession, *, per_second: float) -> Self:
        """A talker with a contact to talk about."""
        line, friend = await world.line(), await world.phone()
        message = {"session": line.id, "to": f"+{friend}", "type": "text", "text": {"body": "hello"}}
        sent: dict[str, Any] = await world.client.api("POST", "/messages", message)

        async def is_delivered() -> bool:
            found = await world.ask(f"/messages/{sent['id']}")
            return found is not None and found["state"] == "delivered"

        await until(is_delivered, what="first message", timeout_seconds=30.0)
        return cls(world=world, http=http, contact=sent["contact"], per_second=per_second)

    async def run(self, is_over: asyncio.Event) -> None:
        """Talk with a few voices, which together keep the rate as far as the gateway does."""
        begun = time.monotonic()
        async with asyncio.TaskGroup() as voices:
            for _ in range(_AT_ONCE):
                voices.create_task(self._talk(begun, is_over))

    async def _talk(self, begun: float, is_over: asyncio.Event) -> None:
        while not is_over.is_set():
            number, self.said = self.said, self.said + 1
            await asyncio.sleep(max(0.0, begun + number / self._per_second - time.monotonic()))
            body = {"name": f"Contact {number}"}
            async with self._http.patch(self._url, json=body, headers=self._headers) as answer:
                answer.raise_for_status()


async def many_keys(world: World, count: int) -> list[str]:
    """Keys for listeners: one key may hold ten streams. Made beside the running daemon, as an operator does."""
    database = await SqliteDatabase.open(Path(world.sandbox.rig.data) / "gateway" / "wagate.db", guest=True)
    try:
        admin = Admin(database=database)
        options: dict[str, Any] = {"scopes": EVERYTHING, "sessions": ()}
        return [await admin.create_key(name=f"listener {number}", **options) for number in range(count)]
    finally:
        await database.close()


async def newest_position(world: World) -> str:
    """The id of the newest event."""
    return (await log_after(world, BEGINNING, types="*"))[-1]


async def log_after(world: World, after: str, *, types: str) -> list[str]:
    """The ids of all events of these types after a position."""
    ids: list[str] = []
    position: str | None = after
    while position is not None:
        page = await world.client.api("GET", f"/events?types={types}&limit=500&after={position}")
        ids += [str(event["id"]) for event in page["items"]]
        position = page["next"]
    return ids
