"""The loopback address: whom the proxy answers for, and what it does with those who do not speak its language."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from sessions.protobuf import load
from sessions.sandbox import connection
from sessions.sandbox.identity import Folder
from sessions.sandbox.server import Server
from sessions.sandbox.service import Service
from sessions.sandbox.wire.frames import frame
from sessions.sandbox.wire.noise import HEADER, Cipher, NoiseServer
from sessions.sandbox.wire.wabinary import Codec
from tests.sandbox.service.initiator import Initiator
from tests.sandbox.service.stand_ins import SettableFaults

client_payload = load("waWa6.WAWebProtobufsWa6_pb2").ClientPayload

CHAT = "https://web.whatsapp.com/ws/chat"


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    folder = Folder(tmp_path / "identity")
    folder.store.close()
    return folder


@pytest.fixture
async def server(service: Service, codec: Codec, folder: Folder) -> AsyncIterator[Server]:
    async def media(request: web.Request) -> web.Response:
        return web.Response(text="a file")

    server = Server(
        service=service,
        noise=NoiseServer(folder.noise),
        tls=folder.authority.server_context(),
        codec=codec,
        routes=[web.get("/v/one", media)],
    )
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
def trust(folder: Folder) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=folder.authority.certificate_file)


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def request(server: Server, line: bytes) -> bytes:
    """Send a raw request to the proxy; the answer is everything until it hangs up or falls silent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(line + b"\r\n\r\n")
    answer = await asyncio.wait_for(reader.readline(), 5)
    writer.close()
    await writer.wait_closed()
    return answer


async def test_whatsapps_hosts_are_answered_here(
    server: Server, http: aiohttp.ClientSession, trust: ssl.SSLContext
) -> None:
    async with http.get("https://mmg.whatsapp.net/v/one", proxy=server.proxy_url, ssl=trust) as response:
        assert await response.text() == "a file"


@pytest.mark.parametrize(
    "line",
    [
        b"CONNECT example.org:443 HTTP/1.1",
        b"CONNECT web.whatsapp.com.example.org:443 HTTP/1.1",
        b"CONNECT 127.0.0.1:22 HTTP/1.1",
        b"GET http://web.whatsapp.com/ HTTP/1.1",
        b"CONNECT evilwhatsapp.com:443 HTTP/1.1",
    ],
)
async def test_any_other_request_is_refused(server: Server, line: bytes) -> None:
    assert b"403" in await request(server, line)
    assert server.refused_hosts == 1


async def test_an_endless_request_is_cut_off(server: Server) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(b"C" * 20_000)

    with contextlib.suppress(ConnectionError):
        assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()


async def test_an_outage_refuses_connections(server: Server, faults: SettableFaults) -> None:
    faults.refusing = True

    assert b"503" in await request(server, b"CONNECT web.whatsapp.com:443 HTTP/1.1")


async def test_a_client_that_trusts_others_ends_its_attempt_alone(
    server: Server, http: aiohttp.ClientSession, trust: ssl.SSLContext
) -> None:
    with pytest.raises(aiohttp.ClientConnectorCertificateError):
        await http.get(CHAT, proxy=server.proxy_url)

    async with http.get("https://mmg.whatsapp.net/v/one", proxy=server.proxy_url, ssl=trust) as response:
        assert response.status == 200


async def test_a_client_that_speaks_nonsense_is_cut_off(
    server: Server, http: aiohttp.ClientSession, trust: ssl.SSLContext
) -> None:
    async with http.ws_connect(CHAT, proxy=server.proxy_url, ssl=trust) as socket:
        await socket.send_bytes(b"hello, is this the right number?")
        message = await socket.receive(timeout=5)

    assert message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)


async def test_a_refused_client_has_time_to_read_why(
    server: Server,
    http: aiohttp.ClientSession,
    trust: ssl.SSLContext,
    codec: Codec,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connection, "_GRACE", 0.1)
    async with http.ws_connect(CHAT, proxy=server.proxy_url, ssl=trust) as socket:
        client = Initiator()
        await socket.send_bytes(HEADER + frame(client.hello()))
        hello = (await socket.receive_bytes(timeout=5))[3:]
        payload = client_payload(username=404, device=1).SerializeToString()
        await socket.send_bytes(frame(client.finish(hello, payload)))
        opener = Cipher(client.keys()[1])

        stanzas = [codec.decode(opener.open(message.data[3:])) async for message in socket]

    assert [stanza.tag for stanza in stanzas] == ["failure", "xmlstreamend"]
    assert stanzas[0].text("reason") == "401"


async def test_stopping_cuts_open_connections_at_once(
    server: Server, http: aiohttp.ClientSession, trust: ssl.SSLContext
) -> None:
    async with http.ws_connect(CHAT, proxy=server.proxy_url, ssl=trust) as socket:
        await asyncio.wait_for(server.stop(), 5)

        message = await socket.receive(timeout=5)

    assert message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)


async def test_it_listens_on_loopback_only(server: Server) -> None:
    assert server.proxy_url.startswith("http://127.0.0.1:")
    assert server._listener is not None
    assert {socket.getsockname()[0] for socket in server._listener.sockets} == {"127.0.0.1"}
