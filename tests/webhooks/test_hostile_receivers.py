"""Receivers that mean ill or are broken: nothing they answer hurts anybody, and each is called by its name."""

from __future__ import annotations

import asyncio
import gzip
import tracemalloc
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from gateway.kit.guard import AddressGuard
from gateway.kit.guarded_http import GuardedHttp

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
_TLS_HELLO = b"\x16"
BOMB = gzip.compress(bytes(20_000_000))


@dataclass
class Villain(AbstractResolver):
    """A bare TCP server that says the bytes it is given, whatever it is asked, and a resolver that leads to it."""

    port: int = 0
    answer: bytes = OK
    then: str = "close"  #: or hang, reset, flood
    calls: int = 0
    addresses: list[Sequence[str]] = field(default_factory=lambda: [["127.0.0.1"]])

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.calls += 1
        try:
            if await reader.readexactly(1) != _TLS_HELLO:
                await reader.readuntil(b"\r\n\r\n")
            writer.write(self.answer)
            await writer.drain()
            await self._go_on(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # the other side has had enough, which is what it should do
        finally:
            writer.transport.abort()

    async def _go_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        match self.then:
            case "hang":
                while await reader.read(65_536):
                    pass
            case "flood":
                while True:
                    writer.write(b"x" * 65_536)
                    await writer.drain()
            case "reset":
                return
            case _:
                writer.close()
                await writer.wait_closed()

    async def resolve(self, host: str, port: int = 0, family: Any = 0) -> list[ResolveResult]:
        found = self.addresses.pop(0) if len(self.addresses) > 1 else self.addresses[0]
        return [ResolveResult(hostname=host, host=address, port=port, family=2, proto=0, flags=0) for address in found]

    async def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
async def villain() -> AsyncIterator[Villain]:
    made = Villain()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    yield made
    server.close()
    await server.wait_closed()


@pytest.fixture
async def http(villain: Villain) -> AsyncIterator[GuardedHttp]:
    """May go to one address of loopback only: the others stand for a network that is none of its business."""
    guard = AddressGuard(allow_networks=["127.0.0.1/32"])
    made = GuardedHttp(guard=guard, user_agent="wagate/test", resolver=villain)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
def timeout_seconds() -> float:
    return 0.4


def head(status: str, *headers: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *headers, "", ""]).encode()


NASTY = {
    "no content": (head("204 No Content"), "close", 204, None),
    "endless body": (head("200 OK"), "flood", 200, None),
    "endless body of a refusal": (head("400 Bad Request"), "flood", 400, "answered_error"),
    "gzip bomb": (head("200 OK", "Content-Encoding: gzip", f"Content-Length: {len(BOMB)}") + BOMB, "close", 200, None),
    "gzip that is none": (head("500 Oops", "Content-Encoding: gzip") + b"plain", "close", 500, "answered_error"),
    "redirect inside": (head("302 Found", "Location: http://127.0.0.2/"), "close", 302, "redirected"),
    "redirect for ever": (head("307 Again", "Location: /"), "close", 307, "redirected"),
    "redirect to a file": (head("301 Moved", "Location: file:///etc/passwd"), "close", 301, "redirected"),
    "not modified": (head("304 Not Modified"), "close", 304, "redirected"),
    "bad request": (head("400 Bad Request", "Content-Length: 0"), "close", 400, "answered_error"),
    "gone": (head("410 Gone", "Content-Length: 0"), "close", 410, "gone"),
    "busy": (head("429 Slow Down", "Retry-After: soon", "Content-Length: 0"), "close", 429, "busy"),
    "server error": (head("500 Oops", "Content-Length: 0"), "close", 500, "answered_error"),
    "odd status": (head("799 Whatever", "Content-Length: 0"), "close", 799, "answered_error"),
    "hangs before the head": (b"", "hang", None, "timeout"),
    "hangs within the head": (b"HTTP/1.1 200 OK\r\nX-Never: ", "hang", None, "timeout"),
    "hangs within the body": (head("200 OK", "Content-Length: 10") + b"half", "hang", 200, None),
    "resets at once": (b"", "reset", None, "connection_lost"),
    "resets within the head": (b"HTTP/1.1 200", "reset", None, "connection_lost"),
    "resets within the body": (head("200 OK", "Content-Length: 99") + b"half", "reset", 200, None),
    "a megabyte of headers": (head("200 OK", "X-Long: " + "x" * 1_000_000), "close", None, "answer_unreadable"),
    "many headers for ever": (b"HTTP/1.1 200 OK\r\n" + b"X-More: yes\r\n" * 1_000, "flood", None, "answer_unreadable"),
    "not HTTP": (b"220 mail.example ESMTP\r\n", "close", None, "answer_unreadable"),
    "two lengths": (head("200 OK", "Content-Length: 1", "Content-Length: 9"), "close", None, "answer_unreadable"),
    "bad chunks": (head("200 OK", "Transfer-Encoding: chunked") + b"zz\r\nno\r\n", "close", None, "answer_unreadable"),
}


@pytest.mark.parametrize(("answer", "then", "status", "error"), NASTY.values(), ids=NASTY)
async def test_every_answer_is_called_by_its_name_and_only_the_two_hundreds_count(
    rig: Any, villain: Villain, answer: bytes, then: str, status: int | None, error: str | None
) -> None:
    webhook, _ = await rig.endpoint(f"http://hook.example:{villain.port}/")
    villain.answer, villain.then = answer, then

    await rig.emit()
    outcome = await rig.deliverer.settled.wait()

    assert (outcome.status, outcome.error) == (status, error)
    assert villain.calls == 1
    delivery = await rig.delivery(webhook)
    assert delivery.state == ("delivered" if error is None else "pending")
    [attempt] = await rig.attempts_at(delivery)
    assert len(attempt.excerpt or "") <= 1000


async def test_bad_tls_is_not_spoken_to(rig: Any, villain: Villain) -> None:
    await rig.endpoint(f"https://hook.example:{villain.port}/")

    await rig.emit()

    assert (await rig.deliverer.settled.wait()).error == "tls_failed"


@pytest.mark.parametrize("inside", ["127.0.0.2", "10.0.0.1", "169.254.169.254", "0.0.0.0"])
async def test_a_name_that_leads_inside_is_not_followed(rig: Any, villain: Villain, inside: str) -> None:
    villain.addresses = [[inside]]
    await rig.endpoint(f"http://hook.example:{villain.port}/")

    await rig.emit()
    outcome = await rig.deliverer.settled.wait()

    assert (outcome.error, outcome.kind, villain.calls) == ("address_refused", "failed", 0)


async def test_a_name_that_turns_inward_between_two_tries_is_not_followed(
    rig: Any, http: GuardedHttp, villain: Villain
) -> None:
    villain.addresses = [["127.0.0.1"], ["127.0.0.2"]]
    villain.answer, villain.then = head("500 Oops", "Content-Length: 0"), "close"
    await rig.endpoint(f"http://hook.example:{villain.port}/")

    await rig.emit()
    assert (await rig.deliverer.settled.wait()).status == 500
    await http.stop()  # what was looked up is remembered for some seconds
    await http.start()
    await rig.later(6)

    assert (await rig.deliverer.settled.wait()).error == "address_refused"
    assert villain.calls == 1


@pytest.mark.parametrize("name", ["endless body", "gzip bomb", "a megabyte of headers"])
async def test_memory_stays_flat_whatever_is_poured_out(rig: Any, villain: Villain, name: str) -> None:
    await rig.endpoint(f"http://hook.example:{villain.port}/")
    villain.answer, villain.then = NASTY[name][:2]
    await rig.emit()
    await rig.deliverer.settled.wait()

    tracemalloc.start()
    try:
        for _ in range(20):
            await rig.emit()
            await rig.deliverer.settled.wait()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert villain.calls == 21
    assert peak < 8_000_000
