"""The guarded client: what is refused at the look-up and at the moment of connecting, and what it never does."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.kit.guard import AddressGuard, AddressRefusedError
from gateway.kit.guarded_http import GuardedHttp, GuardedResolver, RequestFailedError, guarded_connector


class ScriptedResolver(AbstractResolver):
    """Answers each look-up with the next list of addresses; the last one stays."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)

    async def resolve(self, host: str, port: int = 0, family: Any = socket.AF_INET) -> list[ResolveResult]:
        addresses = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=0,
            )
            for address in addresses
        ]

    async def close(self) -> None:
        return


@pytest.fixture
async def receiver() -> AsyncIterator[tuple[int, list[web.Request]]]:
    """A server on loopback and what reached it."""
    seen: list[web.Request] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        seen.append(request)
        if request.path == "/moved":
            raise web.HTTPFound("/elsewhere")
        if request.path == "/long":
            return web.Response(body=b"x" * 100_000)
        return web.Response(text="fine", headers={"Set-Cookie": "a=b"})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    yield port, seen
    await runner.cleanup()


async def ask(guard: AddressGuard, url: str, resolver: AbstractResolver | None = None) -> tuple[int, bytes]:
    http = GuardedHttp(guard=guard, user_agent="wagate/test", resolver=resolver)
    await http.start()
    try:
        async with http.request("POST", url, timeout_seconds=5, body=b"{}") as response:
            body, _ = await response.read(1000)
            return response.status, body
    finally:
        await http.stop()


async def test_a_permitted_receiver_is_reached(receiver: Any) -> None:
    port, seen = receiver

    status, body = await ask(AddressGuard(allow_networks=["127.0.0.0/8"]), f"http://127.0.0.1:{port}/hook")

    assert (status, body) == (200, b"fine")
    assert seen[0].headers["User-Agent"] == "wagate/test"


async def test_a_name_that_leads_inside_is_refused_when_it_is_looked_up(receiver: Any) -> None:
    port, seen = receiver
    guard = AddressGuard(ports=[port])

    with pytest.raises(AddressRefusedError):
        await ask(guard, f"http://hook.example:{port}/", ScriptedResolver(["127.0.0.1"]))

    assert seen == []


@pytest.mark.parametrize("address", ["10.0.0.1", "169.254.169.254", "::1", "fe80::1", "::ffff:127.0.0.1", "64:ff9b::1"])
async def test_no_refused_answer_of_a_resolver_is_connected_to(address: str) -> None:
    with pytest.raises(AddressRefusedError):
        await ask(AddressGuard(), "http://hook.example/", ScriptedResolver([address]))


async def test_only_the_permitted_ones_of_several_answers_are_used() -> None:
    resolver = GuardedResolver(AddressGuard(), ScriptedResolver(["127.0.0.1", "8.8.8.8", "fe80::1", "2003::1"]))

    answers = await resolver.resolve("hook.example", 443)

    assert [answer["host"] for answer in answers] == ["8.8.8.8", "2003::1"]


async def test_the_socket_itself_is_checked_whatever_the_resolver_let_through(receiver: Any) -> None:
    """The last gate alone: a literal address never asks a resolver, so nothing else stands in its way."""
    port, seen = receiver
    async with aiohttp.ClientSession(connector=guarded_connector(AddressGuard(ports=[port]))) as client:
        with pytest.raises(aiohttp.ClientConnectorError):
            await client.get(f"http://127.0.0.1:{port}/")

    assert seen == []


async def test_a_name_that_turns_inward_after_it_was_vetted_is_still_refused(receiver: Any) -> None:
    port, seen = receiver
    guard = AddressGuard(allow_networks=["127.0.0.1/32"])
    resolver = ScriptedResolver(["127.0.0.1"], ["127.0.0.3"])
    url = f"http://hook.example:{port}/"

    assert (await ask(guard, url, resolver))[0] == 200
    with pytest.raises(AddressRefusedError):
        await ask(guard, url, resolver)

    assert len(seen) == 1


async def test_a_redirect_is_given_back_and_not_followed(receiver: Any) -> None:
    port, seen = receiver

    status, _ = await ask(AddressGuard(allow_networks=["127.0.0.0/8"]), f"http://127.0.0.1:{port}/moved")

    assert status == 302
    assert [request.path for request in seen] == ["/moved"]


async def test_a_body_is_read_no_further_than_its_cap(receiver: Any) -> None:
    port, _ = receiver

    _, body = await ask(AddressGuard(allow_networks=["127.0.0.0/8"]), f"http://127.0.0.1:{port}/long")

    assert len(body) == 1000


async def test_proxies_of_the_environment_are_ignored(receiver: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    port, seen = receiver
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")

    status, _ = await ask(AddressGuard(allow_networks=["127.0.0.0/8"]), f"http://127.0.0.1:{port}/hook")

    assert status == 200
    assert len(seen) == 1


async def test_the_whole_request_ends_after_its_time() -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    http = GuardedHttp(guard=AddressGuard(allow_networks=["127.0.0.0/8"]), user_agent="wagate/test")
    await http.start()

    with pytest.raises(RequestFailedError, match="timeout"):
        async with http.request("POST", f"http://127.0.0.1:{port}/", timeout_seconds=0.2):
            pass

    await http.stop()
    server.close()
    await server.wait_closed()


async def misbehaving(answer: bytes) -> tuple[asyncio.Server, int]:
    """A server that says ``answer`` to anybody and hangs up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    return server, server.sockets[0].getsockname()[1]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b"", "connection_lost"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", "connection_lost"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "answer_unreadable"),
        (b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 1_000_000 + b"\r\n\r\n", "answer_unreadable"),
    ],
)
async def test_a_broken_answer_is_told_apart(answer: bytes, code: str) -> None:
    server, port = await misbehaving(answer)

    with pytest.raises(RequestFailedError, match=code):
        await ask(AddressGuard(allow_networks=["127.0.0.0/8"]), f"http://127.0.0.1:{port}/")

    server.close()
    await server.wait_closed()


async def test_an_unreachable_server_is_told_without_its_address() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]

        with pytest.raises(RequestFailedError) as caught:
            await ask(AddressGuard(allow_networks=["127.0.0.0/8"]), f"http://127.0.0.1:{port}/")

    assert str(caught.value) == "connection_failed"


def self_signed(folder: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    (folder / "both.pem").write_bytes(pem + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "both.pem")
    return context


async def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    served: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append(await reader.read())
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=self_signed(tmp_path))
    port = server.sockets[0].getsockname()[1]

    with pytest.raises(RequestFailedError, match="tls_failed"):
        await ask(AddressGuard(allow_networks=["127.0.0.0/8"]), f"https://127.0.0.1:{port}/")

    server.close()
    await server.wait_closed()
    assert served == []
