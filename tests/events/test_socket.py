"""Following the event log over a WebSocket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import WSCloseCode, WSMsgType, WSServerHandshakeError

from gateway.api.rate_limit import RateLimiter
from gateway.api.sockets import MEANINGS, CloseCode, Sockets
from gateway.events import hub as hub_module
from gateway.kit.ids import render_id
from tests.conftest import add_org
from tests.events.speaking import forget_all, say, talk
from tests.serving import FROM_OUR_PAGE, PASSWORD, ClientFactory, Parts


@pytest.fixture
async def plain_key(parts: Parts) -> str:
    return await parts.make_key()


@pytest.fixture
def key(plain_key: str) -> dict[str, str]:
    return {"X-API-Key": plain_key}


@pytest.fixture(autouse=True)
async def hub(parts: Parts) -> AsyncIterator[Any]:
    await parts.hub.start()
    yield parts.hub
    await parts.hub.stop()


async def refused(client: Any, headers: dict[str, str], query: str = "") -> int:
    """The status with which the handshake is refused."""
    with pytest.raises(WSServerHandshakeError) as caught:
        await client.ws_connect(f"/api/v1/ws{query}", headers=headers)
    return caught.value.status


async def test_a_socket_tells_the_same_envelope_as_the_log(parts: Parts, client: Any, key: Any) -> None:
    async with talk(client, key, "?types=*") as socket:
        assert await socket.hear() == {"type": "ready"}
        await socket.begun()
        await say(parts, 1, session_id=7)
        told = await socket.hear()

    page = await (await client.get("/api/v1/events?types=webhook.*", headers=key)).json()
    assert told == page["items"][0]


async def test_nothing_flows_before_it_is_asked_for(parts: Parts, client: Any, key: Any) -> None:
    async with talk(client, key) as socket:
        assert await socket.hear() == {"type": "ready"}
        await say(parts, 1)
        await socket.say(type="ping")
        assert await socket.hear() == {"type": "pong"}
        await socket.subscribe()
        await say(parts, 2)

        assert await socket.numbers(1) == [2]


async def test_a_key_in_the_first_message_does(parts: Parts, client: Any, plain_key: str) -> None:
    async with talk(client, query="?types=*") as socket:
        await socket.say(type="auth", key=plain_key)
        await socket.begun()
        await say(parts, 1)

        assert await socket.numbers(1) == [1]


@pytest.mark.parametrize(
    "first", [{"type": "auth", "key": "wag_wrong"}, {"type": "auth"}, {"type": "subscribe"}, {"type": "auth", "key": 5}]
)
async def test_a_first_message_without_a_valid_key_ends_it(client: Any, first: dict[str, Any]) -> None:
    async with talk(client) as socket:
        await socket.say(**first)

        assert await socket.end() == 4401


async def test_who_says_no_key_in_time_is_sent_away(client: Any) -> None:
    async with talk(client) as socket:
        assert await socket.end() == 4401


async def test_a_ticket_opens_one_socket_once(parts: Parts, client: Any, key: Any, clock: Any) -> None:
    ticket = (await (await client.post("/api/v1/events/tickets", headers=key)).json())["ticket"]

    async with talk(client, query=f"?types=*&ticket={ticket}") as socket:
        await socket.begun()
        await say(parts, 1)
        assert await socket.numbers(1) == [1]
    async with talk(client, query=f"?ticket={ticket}") as again:
        assert await again.end() == 4401


async def test_a_ticket_grows_old_in_half_a_minute(client: Any, key: Any, clock: Any) -> None:
    answer = await client.post("/api/v1/events/tickets", headers=key)
    ticket = await answer.json()
    clock.advance(30)

    async with talk(client, query=f"?ticket={ticket['ticket']}") as socket:
        assert await socket.end() == 4401
    assert (answer.status, ticket["expires_at"]) == (200, "2026-03-01T12:00:30.000Z")


async def test_only_who_may_follow_the_stream_gets_in(parts: Parts, client: Any) -> None:
    plain = await parts.make_key(scopes=["messages.*"])
    narrow = {"X-API-Key": plain}

    assert await refused(client, {"X-API-Key": "wag_wrong"}) == 401
    assert await refused(client, narrow) == 403
    assert (await client.post("/api/v1/events/tickets", headers=narrow)).status == 403
    async with talk(client) as socket:
        await socket.say(type="auth", key=plain)
        assert await socket.end() == 4403


async def signed_in(parts: Parts) -> dict[str, str]:
    await parts.accounts.add_user(org_id=1, name="Ada", email="ada@example.com", password=PASSWORD)
    sign_in = await parts.accounts.sign_in(email="ada@example.com", password=PASSWORD, address="127.0.0.1")
    return {"Cookie": f"{parts.cookie.name}={sign_in.token}"}


async def test_a_sign_in_opens_sockets_only_from_our_own_pages(parts: Parts, client: Any) -> None:
    cookie = await signed_in(parts)
    own = f"http://{client.host}:{client.port}"

    assert await refused(client, cookie) == 403
    assert await refused(client, {**cookie, "Origin": "https://evil.example"}) == 403
    assert await refused(client, {**cookie, "Sec-Fetch-Site": "cross-site", "Origin": own}) == 403
    for allowed in ({"Origin": own}, FROM_OUR_PAGE):
        async with talk(client, {**cookie, **allowed}) as socket:
            assert await socket.hear() == {"type": "ready"}


async def test_it_resumes_after_the_last_event_without_gap_or_double(parts: Parts, client: Any, key: Any) -> None:
    total, seen, last = 400, [], (await say(parts, 0))[0]

    async def speak() -> None:
        for number in range(1, total + 1):
            await say(parts, number)

    speaking = asyncio.create_task(speak())
    while len(seen) < total:
        async with talk(client, key, f"?after={last}") as socket:
            await socket.begun()
            for _ in range(min(37, total - len(seen))):
                event = await socket.hear()
                seen.append(event["data"]["number"])
                last = event["id"]
    await speaking

    assert seen == list(range(1, total + 1))


async def test_a_new_subscription_takes_the_place_of_the_old_one(parts: Parts, client: Any, key: Any) -> None:
    first = (await say(parts, 1, 2))[0]

    async with talk(client, key) as socket:
        await socket.subscribe(types=["session.*"])
        await say(parts, 3)
        begins = await socket.subscribe(after=first, types=["webhook.*"])

        assert begins == first
        assert await socket.numbers(2) == [2, 3]


async def test_it_tells_only_what_was_asked_for_and_is_allowed(parts: Parts, client: Any, clock: Any) -> None:
    await parts.database.write(lambda tx: add_org(tx, clock, org_id=2))
    limited = {"X-API-Key": await parts.make_key(session_ids=[7, 9])}

    async with talk(client, limited) as socket:
        await socket.subscribe(sessions=[render_id("ses", 7)])
        await say(parts, 1, org_id=2, session_id=7)
        await say(parts, 2, session_id=8)
        await say(parts, 3, session_id=9)
        await say(parts, 4, session_id=7)
        assert await socket.numbers(1) == [4]
        await socket.say(type="subscribe", sessions=[render_id("ses", 8)])
        assert await socket.end() == 4404


async def test_who_was_away_for_too_long_is_told_so(parts: Parts, client: Any, key: Any, clock: Any) -> None:
    seen = await say(parts, 1, 2, 3)
    await forget_all(parts, clock)
    await say(parts, 4)

    async with talk(client, key, f"?after={seen[0]}") as socket:
        await socket.begun()

        assert await socket.hear() == {"type": "reset", "id": seen[2]}
        assert await socket.numbers(1) == [4]


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("nonsense", 4400),
        ("[" * 15000, 4400),
        ("[]", 4400),
        ('{"type": "send_message"}', 4400),
        ('{"type": "auth", "key": "wag_again"}', 4400),
        ('{"type": "subscribe", "colour": "red"}', 4422),
        ('{"type": "subscribe", "after": "5"}', 4422),
        ('{"type": "subscribe", "types": ["toy.*"]}', 4422),
        ('{"type": "subscribe", "types": "message.*"}', 4422),
        (json.dumps({"type": "ping", "padding": "x" * 20_000}), 1009),
        (b"bytes", 4400),
    ],
)
async def test_what_makes_no_sense_closes_the_socket_with_a_code(
    client: Any, key: Any, said: str | bytes, code: int
) -> None:
    async with talk(client, key) as socket:
        await (socket.socket.send_bytes(said) if isinstance(said, bytes) else socket.socket.send_str(said))

        assert await socket.end() == code


@pytest.mark.parametrize("query", ["?types=toy.*", "?after=5", "?colour=red"])
async def test_an_address_that_makes_no_sense_opens_nothing(client: Any, key: Any, query: str) -> None:
    assert await refused(client, key, query) == 422


async def test_a_plain_request_is_told_that_this_is_a_socket(client: Any, key: Any) -> None:
    answer = await client.get("/api/v1/ws", headers=key)

    assert (answer.status, (await answer.json())["code"]) == (400, "malformed_request")


async def test_who_talks_without_end_is_sent_away(client: Any, key: Any) -> None:
    async with talk(client, key) as socket:
        for _ in range(1000):
            await socket.say(type="ping")

        assert await socket.end() == 4429


async def test_a_reader_that_is_too_slow_is_cut_off_and_resumes(
    parts: Parts, client: Any, key: Any, monkeypatch: pytest.MonkeyPatch, eventually: Any
) -> None:
    monkeypatch.setattr(hub_module, "_LONGEST_QUEUE", 50)
    total, begins = 1500, (await say(parts, 0))[0]

    async with talk(client, key, f"?after={begins}") as socket:
        await socket.begun()
        for number in range(0, total, 50):  # more than sockets and buffers hold
            await say(parts, *range(number + 1, number + 51), text="x" * 20_000)
            await asyncio.sleep(0)
        await eventually(lambda: parts.hub.cut_off == 1)
        seen, last = [], begins
        try:
            while True:
                event = await socket.hear()
                seen.append(event["data"]["number"])
                last = event["id"]
        except EOFError:
            pass
        # Whoever reads nothing may not read the code either: then the connection simply ends.
        assert socket.closed_with in (4408, WSCloseCode.ABNORMAL_CLOSURE)
    async with talk(client, key, f"?after={last}") as socket:
        await socket.begun()
        seen += await socket.numbers(total - len(seen))

    assert seen == list(range(1, total + 1))


async def test_who_answers_no_ping_is_let_go(
    parts: Parts, aiohttp_client: ClientFactory, key: Any, eventually: Any
) -> None:
    parts = replace(parts, sockets=Sockets(heartbeat_seconds=0.1))
    client: Any = await parts.serve(aiohttp_client)

    async with client.ws_connect("/api/v1/ws", headers=key, autoping=False) as socket:
        assert (await socket.receive()).type is WSMsgType.TEXT
        assert (await asyncio.wait_for(socket.receive(), 5)).type is WSMsgType.PING

        await eventually(lambda: len(parts.sockets) == 0)


async def test_a_socket_ends_when_its_key_is_revoked(parts: Parts, client: Any) -> None:
    row, plain = await parts.database.write(lambda tx: parts.access.create_key(tx, org_id=1, name="short"))

    async with talk(client, {"X-API-Key": plain}) as by_header, talk(client) as by_message:
        await by_message.say(type="auth", key=plain)
        await by_message.hear()
        await parts.database.write(lambda tx: parts.access.revoke_key(tx, org_id=1, key_id=row.id))

        assert (await by_header.end(), await by_message.end()) == (4401, 4401)


async def test_one_caller_may_hold_ten_streams_and_sockets_together(
    parts: Parts, client: Any, key: Any, plain_key: str, eventually: Any
) -> None:
    stream = await client.get("/api/v1/events", headers={"Accept": "text/event-stream", **key})
    sockets = [await client.ws_connect("/api/v1/ws", headers=key) for _ in range(9)]

    assert await refused(client, key) == 429
    async with talk(client) as unknown:
        await unknown.say(type="auth", key=plain_key)
        assert await unknown.end() == 4429

    stream.close()
    for socket in sockets:
        await socket.close()
    await eventually(lambda: len(parts.sockets) == 0)


async def test_opening_sockets_counts_as_calling(
    parts: Parts, aiohttp_client: ClientFactory, clock: Any, key: Any, plain_key: str
) -> None:
    client: Any = await parts.serve(aiohttp_client, limiter=RateLimiter(clock=clock, per_second=1, burst=2))

    for _ in range(2):
        async with talk(client, key) as socket:
            await socket.hear()

    assert await refused(client, key) == 429
    async with talk(client) as unknown:
        await unknown.say(type="auth", key=plain_key)
        assert await unknown.end() == 4429


async def test_sockets_of_nobody_are_few(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.events.socket_routes.MOST_UNKNOWN", 0)

    assert await refused(client, {}) == 503


async def test_all_sockets_end_at_once_when_the_server_stops(
    parts: Parts, aiohttp_client: ClientFactory, key: Any
) -> None:
    client = await parts.serve(aiohttp_client)

    async with talk(client, key, "?types=*") as socket, asyncio.timeout(3):
        await socket.begun()
        stopping = asyncio.create_task(client.server.close())

        assert await socket.end() == 1001
        await stopping


async def test_a_client_that_vanishes_leaves_nothing_behind(
    parts: Parts, client: Any, key: Any, eventually: Any
) -> None:
    async with talk(client, key, "?types=*") as socket:
        await socket.begun()
        socket.socket._response.connection.transport.abort()

        await eventually(lambda: len(parts.sockets) == 0 and parts.hub.listeners == 0)


def test_every_code_of_closing_is_explained() -> None:
    assert set(MEANINGS) == set(CloseCode)
