"""What tests of the event log share: saying something, and reading streams and sockets as clients do."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import WSMsgType

from gateway.db.tx import Tx
from gateway.kit.ids import render_id
from tests.serving import Parts


async def say(parts: Parts, *numbers: int, **more: Any) -> list[str]:
    """Commit one event for each number, together; give their ids."""
    text = more.pop("text", None)
    options: dict[str, Any] = {"org_id": 1, "type": "webhook.test", "subject": ("webhook", 5), **more}

    def work(tx: Tx) -> list[Any]:
        extra = {} if text is None else {"text": text}
        return [parts.events.emit(tx, data={"number": number, **extra}, **options) for number in numbers]

    return [render_id("evt", event.id) for event in await parts.database.write(work)]


async def forget_all(parts: Parts, clock: Any) -> None:
    """Everything that was said so far is old and goes."""
    clock.advance(60)
    before = clock.now()
    await parts.database.write(
        lambda tx: parts.events.forget(tx, before=before, after=0, limit=100, needed=lambda *_: frozenset())
    )


class Talk:
    """One WebSocket, from the client's side."""

    def __init__(self, socket: Any) -> None:
        self.socket = socket
        self.closed_with: int | None = None
        self.reason = ""

    async def say(self, **words: Any) -> None:
        await self.socket.send_str(json.dumps(words))

    async def hear(self) -> dict[str, Any]:
        """The next thing said; raises EOFError when the socket was closed, whose code is kept."""
        message = await asyncio.wait_for(self.socket.receive(), 10)
        if message.type is WSMsgType.TEXT:
            heard: dict[str, Any] = json.loads(message.data)
            return heard
        self.closed_with = self.socket.close_code
        self.reason = str(message.extra or "")
        raise EOFError

    async def subscribe(self, **words: Any) -> str:
        """Subscribe; give the position from which it begins."""
        await self.say(type="subscribe", **words)
        return await self.begun()

    async def begun(self) -> str:
        while (heard := await self.hear())["type"] != "subscribed":
            pass
        return str(heard["after"])

    async def numbers(self, count: int) -> list[int]:
        return [(await self.hear())["data"]["number"] for _ in range(count)]

    async def end(self) -> int | None:
        """Hear it out, and give the code with which it was closed."""
        try:
            while True:
                await self.hear()
        except EOFError:
            return self.closed_with


@asynccontextmanager
async def talk(client: Any, headers: dict[str, str] | None = None, query: str = "") -> AsyncIterator[Talk]:
    async with client.ws_connect(f"/api/v1/ws{query}", headers=headers or {}) as socket:
        yield Talk(socket)
