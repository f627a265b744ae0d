"""A gateway whose PostgreSQL server goes away and comes back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from sqlalchemy.engine import make_url

from tests.daemon.conftest import Gateway
from tests.journeys.house import poll

pytestmark = [pytest.mark.postgres, pytest.mark.long]


class Wire:
    """Stands between the gateway and the server; :meth:`cut` breaks every connection and lets none through."""

    def __init__(self, *, host: str, port: int) -> None:
        self._target = (host, port)
        self._whole = True
        self._open: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self.port = 0

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._pass_on, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None, "start() first"
        self._server.close()
        self.cut()

    def cut(self) -> None:
        self._whole = False
        for writer in self._open:
            writer.transport.abort()

    def mend(self) -> None:
        self._whole = True

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._whole:
            writer.transport.abort()
            return
        there, back = await asyncio.open_connection(*self._target)
        self._open |= {writer, back}
        await asyncio.gather(_pump(reader, back), _pump(there, writer))
        self._open -= {writer, back}


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while piece := await reader.read(65536):
            writer.write(piece)
    except ConnectionError:
        pass  # it was cut
    finally:
        writer.transport.abort()


@pytest.fixture
async def wire(any_migrated_url: str) -> AsyncIterator[Wire]:
    url = make_url(any_migrated_url)
    made = Wire(host=url.host or "127.0.0.1", port=url.port or 5432)
    await made.start()
    yield made
    await made.stop()


@pytest.mark.parametrize("any_migrated_url", ["postgres"], indirect=True)
async def test_a_server_that_goes_away_is_told_as_that_and_taken_up_again_when_it_is_back(
    any_migrated_url: str, wire: Wire, launch: Any, command: Any
) -> None:
    url = make_url(any_migrated_url).set(host="127.0.0.1", port=wire.port)
    gateway = await launch(WAGATE_STORE__URL=url.render_as_string(hide_password=False))
    _, key, _ = await command(gateway, "key", "create", "shop", "--plain")
    headers = {"Authorization": f"Bearer {key.strip()}"}
    async with aiohttp.ClientSession(headers=headers) as http:
        assert (await make_a_session(http, gateway, "before"))[0] == 201

        wire.cut()
        status, problem = await make_a_session(http, gateway, "meanwhile")
        await poll(lambda: _is(http, gateway, 503), timeout_seconds=3)
        wire.mend()

        assert (status, problem["code"]) == (503, "store_unreachable")
        await poll(lambda: _is(http, gateway, 200))
        assert (await make_a_session(http, gateway, "after"))[0] == 201
    assert await gateway.end() == 0, gateway.log


async def make_a_session(http: aiohttp.ClientSession, gateway: Gateway, name: str) -> tuple[int, Any]:
    async with http.post(f"{gateway.url}/api/v1/sessions", json={"name": name}) as answer:
        return answer.status, await answer.json()


async def _is(http: aiohttp.ClientSession, gateway: Gateway, status: int) -> bool:
    async with http.get(f"{gateway.url}/readyz") as answer:
        return answer.status == status
