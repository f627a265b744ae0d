"""A careful customer: posts at a steady rate, each message under a key of its own, and asks again until accepted."""

from __future__ import annotations

import asyncio
import random
import time
from typing import Any

import aiohttp

from gateway.bench.client import BenchError
from gateway.torture.world import Line, World

_ASK_AGAIN = frozenset({409, 429, 503})
_GIVE_UP_SECONDS = 120.0


class Customer:
    """Writes to some phones through one line, until told to stop. ``accepted`` is what 202 was given for."""

    def __init__(
        self, *, world: World, line: Line, recipients: list[str], per_second: float, chance: random.Random
    ) -> None:
        self._world = world
        self.recipients = recipients
        self._per_second = per_second
        self._chance = chance
        self.line = line
        self.accepted: dict[str, str] = {}  #: text -> id of the message
        self.repeats = 0  #: requests that were made again because nobody answered
        self.changed_ids = 0  #: a key that was answered with two messages
        self._count = 0

    async def run(self, is_over: asyncio.Event) -> None:
        """Post at a steady rate, whether or not earlier posts were answered; returns when all were."""
        begun, first = time.monotonic(), self._count
        async with aiohttp.ClientSession() as http, asyncio.TaskGroup() as posts:
            while not is_over.is_set():
                posts.create_task(self._post(http))
                await asyncio.sleep(0)  # it takes its number when it starts
                due = begun + (self._count - first) / self._per_second
                await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def post_some(self, count: int) -> None:
        """Post so many, each when the one before it was accepted."""
        async with aiohttp.ClientSession() as http:
            for _ in range(count):
                await self._post(http)

    async def _post(self, http: aiohttp.ClientSession) -> None:
        number = self._count
        self._count += 1
        text = f"{self.line.name} {number}"
        recipient = self.recipients[number % len(self.recipients)]
        message = {"session": self.line.id, "to": f"+{recipient}", "type": "text", "text": {"body": text}}
        deadline = time.monotonic() + _GIVE_UP_SECONDS
        while time.monotonic() < deadline:
            found = await self._ask(http, text, message)
            if found is not None:
                self.changed_ids += self.accepted.setdefault(text, found) != found
                return
            self.repeats += 1
            await asyncio.sleep(self._chance.uniform(0.05, 0.3))
        raise BenchError(f"a message was not answered within {_GIVE_UP_SECONDS:.0f} s")

    async def _ask(self, http: aiohttp.ClientSession, key: str, message: dict[str, Any]) -> str | None:
        """The message's id; None where it has to be asked again."""
        headers = {"Authorization": f"Bearer {self._world.sandbox.rig.api_key}", "Idempotency-Key": key}
        url = f"{self._world.sandbox.gateway_url}/api/v1/messages"
        try:
            async with http.post(url, json=message, headers=headers) as answer:
                body = await answer.json()
        except (aiohttp.ClientError, TimeoutError):
            return None
        if answer.status == 202:
            return str(body["id"])
        if answer.status in _ASK_AGAIN:
            return None
        raise BenchError(f"a message was answered with {answer.status} {body.get('code')}")
