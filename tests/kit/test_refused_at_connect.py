"""Every address and URL of the tables, tried for real: by a client that posts, as webhooks do, and one that fetches."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from gateway.kit.guard import AddressGuard, AddressRefusedError
from gateway.kit.guarded_http import GuardedHttp, RequestFailedError
from tests.kit.test_guard import REFUSED_ADDRESSES, REFUSED_URLS

#: What every name stands for, the good as the bad.
_PUBLIC = "8.8.8.8"


class Liar(AbstractResolver):
    """Says for every name what the test wants it to say."""

    def __init__(self) -> None:
        self.address = _PUBLIC

    async def resolve(self, host: str, port: int = 0, family: Any = 0) -> list[ResolveResult]:
        kind = socket.AF_INET6 if ":" in self.address else socket.AF_INET
        return [ResolveResult(hostname=host, host=self.address, port=port, family=kind, proto=0, flags=0)]

    async def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every address that anybody tried to connect to; nobody gets through."""
    tried: list[Any] = []

    async def connect(_loop: Any, _socket: socket.socket, address: Any) -> None:
        tried.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr("asyncio.selector_events.BaseSelectorEventLoop.sock_connect", connect)
    return tried


@pytest.fixture
async def liar() -> Liar:
    return Liar()


@pytest.fixture
async def http(liar: Liar, connections: list[Any]) -> AsyncIterator[GuardedHttp]:
    made = GuardedHttp(guard=AddressGuard(), user_agent="wagate/test", resolver=liar)
    await made.start()
    yield made
    await made.stop()


async def ask(http: GuardedHttp, method: str, url: str) -> None:
    async with http.request(method, url, timeout_seconds=2):
        raise AssertionError("nobody can have answered")


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_no_address_of_the_table_is_ever_connected_to(
    http: GuardedHttp, liar: Liar, connections: list[Any], method: str
) -> None:
    for number, address in enumerate(REFUSED_ADDRESSES):
        literal = f"[{address}]" if ":" in address else address
        liar.address = address
        for url in (f"http://{literal}/", f"http://name-{number}.example/"):
            with pytest.raises(AddressRefusedError):
                await ask(http, method, url)

    assert connections == []


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_no_url_of_the_table_is_ever_followed(http: GuardedHttp, connections: list[Any], method: str) -> None:
    for url in REFUSED_URLS:
        with pytest.raises(AddressRefusedError):
            await ask(http, method, url)

    assert connections == []


async def test_what_is_public_is_connected_to_so_these_tests_can_fail(
    http: GuardedHttp, connections: list[Any]
) -> None:
    with pytest.raises(RequestFailedError, match="connection_failed"):
        await ask(http, "POST", "http://well.example/")

    assert connections == [(_PUBLIC, 80)]
