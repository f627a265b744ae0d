"""Programs that follow the event log over connections that break: server-sent events and WebSockets."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable
from typing import Any, Protocol, Self

import aiohttp

_READ_BYTES = 16 * 1024
_REST_SECONDS = 0.02
_TOO_MANY = 429


class CuttingProxy:
    """Stands between listeners and the gateway, and cuts each connection at a byte of its own choice."""

    def __init__(self, *, host: str, port: int, chance: random.Random, longest_bytes: int) -> None:
        self._host = host
        self._port = port
        self._chance = chance
        self._longest_bytes = longest_bytes
        self._server: asyncio.Server | None = None
        self._relays: set[asyncio.Task[None]] = set()
        self.cuts = True  #: without, it lets everything pass

    @property
    def url(self) -> str:
        """Where listeners connect to."""
        assert self._server is not None, "enter it first"
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for relay in self._relays:
            relay.cancel()
        await asyncio.gather(*self._relays, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        relay = asyncio.current_task()
        assert relay is not None
        self._relays.add(relay)
        try:
            await self._relay(reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            pass  # one side has gone, or the proxy goes
        finally:
            writer.transport.abort()
            self._relays.discard(relay)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream, onward = await asyncio.open_connection(self._host, self._port)
        there = asyncio.create_task(_pass_on(reader, onward))
        try:
            await self._pass_back(upstream, writer)
        finally:
            there.cancel()
            await asyncio.gather(there, return_exceptions=True)
            onward.transport.abort()

    async def _pass_back(self, upstream: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        left = self._chance.randrange(1, self._longest_bytes)
        while data := await upstream.read(_READ_BYTES):
            kept = data[:left] if self.cuts else data
            writer.write(kept)
            await writer.drain()
            left -= len(kept)
            if self.cuts and left <= 0:
                return


async def _pass_on(reader: asyncio.StreamReader, onward: asyncio.StreamWriter) -> None:
    while data := await reader.read(_READ_BYTES):
        onward.write(data)
        await onward.drain()


class Listener(Protocol):
    """Follows the log from a position on and keeps what it heard."""

    heard: list[str]
    cuts: int

    async def run(self) -> None:
        """Follow until cancelled, coming back after every cut."""


class _Follower:
    """Comes back after each cut, after the last id that it heard."""

    def __init__(
        self,
        *,
        url: str,
        key: str,
        after: str,
        types: str,
        http: aiohttp.ClientSession,
        on_event: Callable[[dict[str, Any]], None] | None = None,
    ) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {key}"}
        self._types = types
        self._http = http
        self._on_event = on_event
        self._last = after
        self.heard: list[str] = []
        self.cuts = 0
        self.turned_away = 0  #: the stream before was not yet missed by the gateway

    async def run(self) -> None:
        """Follow until cancelled, coming back after every cut."""
        while True:
            try:
                await self._follow()
            except aiohttp.WSServerHandshakeError as error:
                await self._rest(error.status)
            except (aiohttp.ClientError, ConnectionError, TimeoutError):
                self.cuts += 1

    async def _follow(self) -> None:
        raise NotImplementedError

    async def _rest(self, status: int) -> None:
        if status != _TOO_MANY:
            raise RuntimeError(f"a listener was answered with {status}")
        self.turned_away += 1
        await asyncio.sleep(_REST_SECONDS)

    def _take(self, event: dict[str, Any]) -> None:
        self._last = event["id"]
        if event["type"] == "position":
            return
        self.heard.append(event["id"])
        if self._on_event is not None:
            self._on_event(event)


class StreamListener(_Follower):
    """Reads server-sent events as a browser does: what has no empty line behind it was not said."""

    async def _follow(self) -> None:
        headers = {**self._headers, "Accept": "text/event-stream", "Last-Event-ID": self._last}
        url = f"{self._url}/api/v1/events?types={self._types}"
        async with self._http.get(url, headers=headers) as answer:
            if answer.status != 200:
                return await self._rest(answer.status)
            await self._read(answer.content)
        raise aiohttp.ClientConnectionError("the stream has ended")

    async def _read(self, content: aiohttp.StreamReader) -> None:
        fields: dict[str, str] = {}
        while (line := (await content.readline()).decode()).endswith("\n"):
            name, _, value = line.rstrip("\r\n").partition(": ")
            if name:
                fields[name] = value
                continue
            if "data" in fields:
                self._take(json.loads(fields["data"]))
            elif "id" in fields:
                self._last = fields["id"]
            fields = {}


class SocketListener(_Follower):
    """Follows over a WebSocket."""

    async def _follow(self) -> None:
        url = f"{self._url}/api/v1/ws?after={self._last}&types={self._types}"
        async with self._http.ws_connect(url, headers=self._headers) as socket:
            async for message in socket:
                if message.type is not aiohttp.WSMsgType.TEXT:
                    break
                said = json.loads(message.data)
                if "id" in said:
                    self._take(said)
        raise aiohttp.ClientConnectionError("the socket has ended")
