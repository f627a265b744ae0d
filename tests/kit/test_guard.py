"""The address guard: what it refuses by text, by resolved address and at the moment of connecting."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from ipaddress import ip_address
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from gateway.kit.guard import (
    AddressGuard,
    AddressRefusedError,
    GuardedHttp,
    GuardedResolver,
    guarded_connector,
    read_capped,
)

REFUSED_ADDRESSES = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.0",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.0",
    "100.100.100.200",
    "100.127.255.255",
    "127.0.0.0",
    "127.0.0.1",
    "127.0.0.2",
    "127.255.255.255",
    "168.63.129.16",
    "169.254.0.1",
    "169.254.169.254",
    "169.254.170.2",
    "169.254.255.255",
    "172.16.0.0",
    "172.16.0.1",
    "172.20.10.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.0.170",
    "192.0.0.192",
    "192.0.2.1",
    "192.31.196.1",
    "192.52.193.1",
    "192.88.99.1",
    "192.168.0.0",
    "192.168.0.1",
    "192.168.255.255",
    "192.175.48.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.254",
    "255.255.255.255",
    "::",
    "::1",
    "::2",
    "::127.0.0.1",
    "::8.8.8.8",
    "::ffff:0.0.0.0",
    "::ffff:10.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:192.168.0.1",
    "::ffff:8.8.8.8",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b::808:808",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:0:7f00:1::",
    "2001:2::1",
    "2001:10::1",
    "2001:20::1",
    "2001:1ff:ffff::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a00:1::1",
    "2002:c0a8:1::1",
    "2620:4f:8000::1",
    "3fff::1",
    "4000::1",
    "5f00::1",
    "fc00::1",
    "fd00::1",
    "fd00:ec2::254",
    "fdff:ffff::1",
    "fe80::1",
    "fe80::a9fe:a9fe",
    "febf::1",
    "fec0::1",
    "ff00::1",
    "ff02::1",
    "ff0e::1",
]

PUBLIC_ADDRESSES = [
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "168.63.129.15",
    "169.253.255.255",
    "169.255.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.0.1.0",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2001:200::1",
    "2001:4860:4860::8888",
    "2003::1",
    "2606:4700:4700::1111",
    "2a00:1450:4001::1",
]

REFUSED_URLS = [
    "",
    "hook",
    "//example.com/hook",
    "http://",
    "http:///hook",
    "https://:443/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://example.com/",
    "javascript:alert(1)",
    "data:text/plain,hello",
    "unix:///run/docker.sock",
    "http://2130706433/",
    "http://134744072/",
    "http://0x7f000001/",
    "http://0x7f.0.0.1/",
    "http://0x7f.1/",
    "http://0177.0.0.1/",
    "http://017700000001/",
    "http://0/",
    "http://127.1/",
    "http://127.0.1/",
    "http://127.0.0.01/",
    "http://0127.0.0.1/",
    "http://127.0.0.1./",
    "http://8.8.8.8./",
    "http://8.8.8/",
    "http://08.8.8.8/",
    "http://1.2.3.4.5/",
    "http://example.0x1/",
    "http://256.256.256.256/",
    "http://１２７.０.０.１/",
    "http://127。0。0。1/",
    "http://①②⑦.0.0.1/",
    "http://[::1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[fe80::1%25eth0]/",
    "http://[fe80::1%eth0]/",
    "http://[2a00:1450:4001::1%25eth0]/",
    "http://[::1/",
    "http://[v1.fe80::a]/",
    "http://user@example.com/",
    "http://user:secret@example.com/",
    "http://:secret@example.com/",
    "http://@example.com/",
    "http://8.8.8.8@127.0.0.1/",
    "http://127.0.0.1%2f@example.com/",
    "http://example.com\\@127.0.0.1/",
    "http://example.com:80@127.0.0.1/",
    "http://exam ple.com/",
    "http://example.com/a b",
    "http://example.com/\r\nHost: other",
    "http://example.com\x00.org/",
    "http://exa%6dple.com/",
    "http://example..com/",
    "http://.example.com/",
    "http://-example.com/",
    "http://example-.com/",
    "http://" + "a" * 64 + ".com/",
    "http://" + "a.b" * 100 + ".com/",
    "http://example.com/" + "a" * 2048,
    "http://example.com:0/",
    "http://example.com:22/",
    "http://example.com:6379/",
    "http://example.com:8080/",
    "http://example.com:99999/",
    "http://example.com:80:80/",
    "http://8.8.8.8:25/",
]

ACCEPTED_URLS = [
    "http://example.com",
    "HTTPS://EXAMPLE.COM/Hook",
    "https://example.com:443/hook?token=1#part",
    "http://example.com:80/",
    "http://example.com./",
    "https://under_score.example.com/",
    "https://bücher.example/",
    "https://xn--bcher-kva.example/",
    "https://example.com/a@b",
    "https://example.com/?mail=a@b",
    "https://8.8.8.8/",
    "https://[2606:4700:4700::1111]/",
    "https://1e100.net/",
    "https://0xample.com/",
]


@pytest.mark.parametrize("address", REFUSED_ADDRESSES)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    with pytest.raises(AddressRefusedError):
        AddressGuard().check_address(ip_address(address), 443)


@pytest.mark.parametrize("address", PUBLIC_ADDRESSES)
def test_a_public_address_is_permitted(address: str) -> None:
    AddressGuard().check_address(ip_address(address), 443)


@pytest.mark.parametrize("url", REFUSED_URLS)
def test_a_url_is_refused_by_its_text(url: str) -> None:
    with pytest.raises(AddressRefusedError) as caught:
        AddressGuard().check_url(url)

    assert caught.value.code == "address_refused"
    assert caught.value.status == 422
    assert "secret" not in caught.value.detail


@pytest.mark.parametrize("url", ACCEPTED_URLS)
def test_an_ordinary_url_is_accepted(url: str) -> None:
    AddressGuard().check_url(url)


def test_the_table_is_as_long_as_it_claims() -> None:
    assert len(REFUSED_ADDRESSES) + len(REFUSED_URLS) >= 120
    assert len(set(REFUSED_ADDRESSES)) == len(REFUSED_ADDRESSES)
    assert len(set(REFUSED_URLS)) == len(REFUSED_URLS)


def test_the_operators_networks_are_open_on_any_port_and_only_they() -> None:
    guard = AddressGuard(allow_networks=["127.0.0.0/8", "fd00::/8"])

    guard.check_address(ip_address("127.0.0.1"), 9009)
    guard.check_address(ip_address("fd00::5"), 5678)

    assert not guard.permits(ip_address("10.0.0.1"), 80)
    assert not guard.permits(ip_address("::1"), 80)
    assert not guard.permits(ip_address("8.8.8.8"), 9009)


def test_the_ports_can_be_chosen() -> None:
    guard = AddressGuard(ports=[8443])

    guard.check_url("https://example.com:8443/")
    with pytest.raises(AddressRefusedError, match="Port 443 is not permitted; these are: 8443"):
        guard.check_url("https://example.com/")


def test_a_name_on_another_port_is_left_to_the_connection_where_networks_are_open() -> None:
    guard = AddressGuard(allow_networks=["10.1.0.0/16"])

    assert guard.check_url("http://n8n.example:5678/hook").port == 5678


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
            body, _ = await read_capped(response, 1000)
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

    with pytest.raises(TimeoutError):
        async with http.request("POST", f"http://127.0.0.1:{port}/", timeout_seconds=0.2):
            pass

    await http.stop()
    server.close()
    await server.wait_closed()


async def test_vetting_tells_early_what_a_name_leads_to() -> None:
    with pytest.raises(AddressRefusedError):
        await AddressGuard().vet("http://localhost/hook")

    await AddressGuard(allow_networks=["127.0.0.0/8", "::1/128"]).vet("http://localhost:9009/hook")
    await AddressGuard().vet("https://name-that-is-not-there.invalid/hook")
