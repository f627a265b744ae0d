"""How requests are read: limits, types, fields, ids."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from ipaddress import ip_network
from typing import Any

import pytest

from gateway.api.credentials import Doorkeeper
from tests.api.toys import ToyRoutes
from tests.serving import ClientFactory, Parts

BEAR = {"name": "bear", "due_at": "2026-03-01T14:00:00+02:00"}


@pytest.fixture
async def toys(parts: Parts) -> ToyRoutes:
    return ToyRoutes(database=parts.database)


@pytest.fixture
async def client(parts: Parts, toys: ToyRoutes, aiohttp_client: ClientFactory) -> Any:
    client = await parts.serve(aiohttp_client, tables=[toys])
    client.session.headers["X-API-Key"] = await parts.make_key()
    return client


async def test_a_body_becomes_its_model_and_the_answer_its_json(client: Any) -> None:
    answer = await client.post("/api/v1/toys", json=BEAR)

    toy = await answer.json()
    assert answer.status == 202
    assert toy["id"].startswith("cht_")
    assert toy["due_at"] == "2026-03-01T12:00:00.000Z"


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        (b"{", "application/json", 400, "malformed_json"),
        (b"\xff\xfe", "application/json", 400, "malformed_json"),
        (b'{"name": "bear"}', "text/plain", 415, "content_type_refused"),
        (b"name=bear", "application/x-www-form-urlencoded", 415, "content_type_refused"),
        (b"[]", "application/json", 422, "invalid"),
        (b"", "application/json", 400, "malformed_json"),
        (b'{"name": ""}', "application/json", 422, "invalid"),
        (b'{"name": "bear", "colour": "red"}', "application/json", 422, "invalid"),
        (b'{"name": "bear", "size": "large"}', "application/json", 422, "invalid"),
        (b'{"name": "' + b"x" * 1_100_000 + b'"}', "application/json", 413, "too_large"),
    ],
)
async def test_a_body_that_cannot_be_used_is_refused(
    client: Any, toys: ToyRoutes, body: bytes, content_type: str, status: int, code: str
) -> None:
    answer = await client.post("/api/v1/toys", data=io.BytesIO(body), headers={"Content-Type": content_type})

    assert (answer.status, (await answer.json())["code"]) == (status, code)
    assert toys.made == 0


async def test_a_chunked_body_is_limited_too(client: Any) -> None:
    async def endless() -> Any:
        for _ in range(40):
            yield b"x" * 100_000

    answer = await client.post("/api/v1/toys", data=endless(), headers={"Content-Type": "application/json"})
    answer.close()  # hang up instead of sending the rest

    assert answer.status == 413


async def test_a_route_may_take_larger_bodies(client: Any) -> None:
    body = io.BytesIO(b'{"name": "' + b"x" * 2_000_000 + b'"}')

    answer = await client.post("/api/v1/toys-large", data=body, headers={"Content-Type": "application/json"})

    assert await answer.json() == {"length": 2_000_000}


async def test_every_wrong_field_is_named_without_its_value(client: Any) -> None:
    answer = await client.post("/api/v1/toys", json={"name": "", "size": "+15551234567 x", "due_at": "tomorrow"})

    text = await answer.text()
    fields = json.loads(text)["fields"]
    assert [field["path"] for field in fields] == ["name", "size", "due_at"]
    assert "15551234567" not in text
    assert "tomorrow" not in text


@pytest.mark.parametrize("name", ["be\x00ar", "\x00"])
async def test_a_nul_is_refused_wherever_it_stands(client: Any, toys: ToyRoutes, name: str) -> None:
    body = await client.post("/api/v1/toys", json={**BEAR, "name": name})
    query = await client.get("/api/v1/toys?colour=a%00b")
    path = await client.get("/api/v1/toys/cht_%00")

    assert [body.status, query.status, path.status] == [400, 400, 400]
    assert toys.made == 0


async def test_a_backslash_before_u0000_is_only_text(client: Any) -> None:
    answer = await client.post("/api/v1/toys", json={**BEAR, "name": "\\u0000"})

    assert (await answer.json())["name"] == "\\u0000"


async def test_a_query_is_checked_like_a_body(client: Any) -> None:
    right = await client.get("/api/v1/toys?size=3&colour=red&colour=blue")
    wrong = await client.get("/api/v1/toys?size=0&shape=round")

    assert await right.json() == {"size": 3, "colour": ["red", "blue"]}
    assert [field["path"] for field in (await wrong.json())["fields"]] == ["size", "shape"]


@pytest.mark.parametrize(
    "text", ["cht_0000000000001", "CHT_1", "cht_", "msg_0000000000001", "..%2f", "cht_zzzzzzzzzzzzz"]
)
async def test_an_id_that_cannot_exist_is_not_found(client: Any, text: str) -> None:
    answer = await client.get(f"/api/v1/toys/{text}")

    if text == "cht_0000000000001":
        assert answer.status == 200
    else:
        assert (answer.status, (await answer.json())["code"]) == (404, "toy_not_found")


async def test_nothing_to_say_is_204(client: Any) -> None:
    answer = await client.delete("/api/v1/toys/cht_0000000000001")
    empty = await client.post("/api/v1/toys-empty")

    assert (answer.status, await answer.read()) == (204, b"")
    assert empty.status == 204


async def test_a_body_that_does_not_come_in_time_is_refused(
    parts: Parts, toys: ToyRoutes, aiohttp_client: ClientFactory
) -> None:
    client = await parts.serve(aiohttp_client, tables=[toys], body_limit_bytes=100, body_grace_seconds=0.05)
    key = await parts.make_key()
    reader, writer = await asyncio.open_connection(client.host, client.port)

    writer.write(
        f"POST /api/v1/toys HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\n"
        "Content-Type: application/json\r\nContent-Length: 50\r\n\r\n{".encode()
    )
    try:
        status_line = await asyncio.wait_for(reader.readline(), 10)
    finally:
        writer.close()
        await writer.wait_closed()

    assert b" 408 " in status_line


async def test_the_callers_address_is_the_connections_unless_a_trusted_proxy_says_otherwise(
    parts: Parts, toys: ToyRoutes, aiohttp_client: ClientFactory
) -> None:
    plain = await parts.serve(aiohttp_client, tables=[toys])
    doorkeeper = Doorkeeper(
        authenticator=parts.authenticator, cookie=parts.cookie, trusted_proxies=[ip_network("127.0.0.0/8")]
    )
    proxied = await parts.serve(aiohttp_client, tables=[toys], doorkeeper=doorkeeper)
    forwarded = {"X-Forwarded-For": "203.0.113.9, 198.51.100.7"}

    untrusted = await (await plain.get("/api/v1/toys-public", headers=forwarded)).json()
    trusted = await (await proxied.get("/api/v1/toys-public", headers=forwarded)).json()
    direct = await (await proxied.get("/api/v1/toys-public")).json()

    assert untrusted == {"address": "127.0.0.1"}
    assert trusted == {"address": "198.51.100.7"}
    assert direct == {"address": "127.0.0.1"}


async def test_head_tells_whether_something_is_there(client: Any) -> None:
    there = await client.head("/api/v1/toys/cht_0000000000001")
    absent = await client.head("/api/v1/toys/none")

    assert (there.status, await there.read()) == (200, b"")
    assert absent.status == 404


async def test_a_caller_who_hangs_up_is_no_fault_of_ours(
    parts: Parts, client: Any, eventually: Any, caplog: pytest.LogCaptureFixture
) -> None:
    key = await parts.make_key()
    reader, writer = await asyncio.open_connection(client.host, client.port)
    writer.write(
        f"POST /api/v1/toys HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\nExpect: 100-continue\r\n"
        "Content-Type: application/json\r\nContent-Length: 500\r\n\r\n{".encode()
    )
    assert b" 100 " in await asyncio.wait_for(reader.readline(), 10)

    with caplog.at_level(logging.INFO):
        writer.close()
        await writer.wait_closed()
        await eventually(lambda: "request answered" in caplog.text)

    assert "request failed" not in caplog.text
    assert "Traceback" not in caplog.text
