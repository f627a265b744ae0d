"""Following the event log over server-sent events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from gateway.api.streams import position_frame
from gateway.events import hub as hub_module
from gateway.events.hub import EventHub, Passed
from gateway.events.interest import Interest
from gateway.kit.ids import render_id
from tests.conftest import add_org
from tests.events.speaking import forget_all, say
from tests.serving import ClientFactory, Parts

STREAM = {"Accept": "text/event-stream"}


@pytest.fixture
async def key(parts: Parts) -> dict[str, str]:
    return {"X-API-Key": await parts.make_key()}


@pytest.fixture(autouse=True)
async def hub(parts: Parts) -> AsyncIterator[Any]:
    await parts.hub.start()
    yield parts.hub
    await parts.hub.stop()


class Follower:
    """Reads a stream as a browser does."""

    def __init__(self, response: Any) -> None:
        self.response = response

    async def next(self) -> dict[str, Any]:
        """The next event's envelope; raises EOFError at the end of the stream."""
        fields: dict[str, str] = {}
        while True:
            line = (await asyncio.wait_for(self.response.content.readline(), 10)).decode()
            if not line:
                raise EOFError
            name, _, value = line.rstrip("\r\n").partition(": ")
            if not name and "data" in fields:
                event: dict[str, Any] = json.loads(fields["data"])
                assert (fields["id"], fields["event"]) == (event["id"], event["type"])
                return event
            fields[name] = value

    async def numbers(self, count: int) -> list[int]:
        return [(await self.next())["data"]["number"] for _ in range(count)]

    async def at_end(self) -> bool:
        try:
            await self.next()
        except (EOFError, ConnectionError):
            return True
        return False


@asynccontextmanager
async def follow(client: Any, headers: dict[str, str], query: str = "") -> AsyncIterator[Follower]:
    response = await client.get(f"/api/v1/events{query}", headers={**STREAM, **headers})
    try:
        assert response.status == 200, await response.text()
        yield Follower(response)
    finally:
        response.close()


async def test_a_stream_begins_now_and_tells_what_is_committed(parts: Parts, client: Any, key: Any) -> None:
    await say(parts, 1)

    async with follow(client, key) as follower:
        await say(parts, 2, 3)
        numbers = await follower.numbers(2)

    assert numbers == [2, 3]
    assert follower.response.content_type == "text/event-stream"
    assert follower.response.headers["X-Request-Id"]


@pytest.mark.parametrize("how", ["Last-Event-ID", "after"])
async def test_a_stream_resumes_after_the_last_event_without_a_gap(
    parts: Parts, client: Any, key: Any, how: str
) -> None:
    seen = await say(parts, 1)
    await say(parts, *range(2, 1200))
    headers = {**key, **({how: seen[0]} if how == "Last-Event-ID" else {})}

    async with follow(client, headers, "" if how == "Last-Event-ID" else f"?after={seen[0]}") as follower:
        await say(parts, 1200)
        numbers = await follower.numbers(1199)

    assert numbers == list(range(2, 1201))


async def test_a_stream_that_was_away_for_too_long_is_told_so_and_goes_on(
    parts: Parts, client: Any, key: Any, clock: Any
) -> None:
    seen = await say(parts, 1, 2, 3)
    await forget_all(parts, clock)
    await say(parts, 4)

    async with follow(client, {**key, "Last-Event-ID": seen[0]}) as follower:
        reset, next_one = await follower.next(), await follower.next()
    async with follow(client, {**key, "Last-Event-ID": reset["id"]}) as follower:
        again = await follower.next()

    assert reset == {"id": seen[2], "type": "reset"}
    assert next_one["data"]["number"] == 4
    assert again == next_one, "told once"


async def test_who_missed_nothing_is_not_told_of_what_was_deleted(
    parts: Parts, client: Any, key: Any, clock: Any
) -> None:
    seen = await say(parts, 1, 2)
    await forget_all(parts, clock)

    async with (
        follow(client, {**key, "Last-Event-ID": seen[1]}) as caught_up,
        follow(client, key, f"?after={render_id('evt', 0)}") as from_the_beginning,
        follow(client, key) as from_now,
    ):
        await say(parts, 3)
        heard = [await follower.next() for follower in (caught_up, from_the_beginning, from_now)]

    assert [event["data"]["number"] for event in heard] == [3, 3, 3]


async def test_a_page_after_deleted_events_is_refused_and_says_where_the_log_begins(
    parts: Parts, client: Any, key: Any, clock: Any
) -> None:
    seen = await say(parts, 1, 2)
    await forget_all(parts, clock)
    await say(parts, 3)

    refused = await client.get(f"/api/v1/events?after={seen[0]}", headers=key)
    problem = await refused.json()
    pages = [
        await (await client.get(f"/api/v1/events{query}", headers=key)).json()
        for query in ("", f"?after={seen[1]}", f"?after={render_id('evt', 0)}")
    ]

    assert (refused.status, problem["code"]) == (410, "events_gone")
    assert seen[1] in problem["detail"]
    assert [[event["data"]["number"] for event in page["items"]] for page in pages] == [[3], [3], [3]]


async def test_nothing_is_lost_or_doubled_while_streams_come_and_go(parts: Parts, client: Any, key: Any) -> None:
    total, seen, last = 400, [], (await say(parts, 0))[0]

    async def talk() -> None:
        for number in range(1, total + 1):
            await say(parts, number)

    talking = asyncio.create_task(talk())
    while len(seen) < total:
        async with follow(client, {**key, "Last-Event-ID": last}) as follower:
            for _ in range(min(37, total - len(seen))):
                event = await follower.next()
                seen.append(event["data"]["number"])
                last = event["id"]
    await talking

    assert seen == list(range(1, total + 1))


async def test_a_stream_tells_only_the_types_and_the_session_asked_for(parts: Parts, client: Any, key: Any) -> None:
    session = render_id("ses", 7)

    async with follow(client, key, f"?types=webhook.*&session={session}") as follower:
        await say(parts, 1)
        await say(parts, 2, session_id=8)
        await say(parts, 3, session_id=7)
        numbers = await follower.numbers(1)

    assert numbers == [3]


async def test_a_key_for_one_session_hears_only_of_that_session(parts: Parts, client: Any) -> None:
    limited = {"X-API-Key": await parts.make_key(session_ids=[7])}

    async with follow(client, limited) as follower:
        await say(parts, 1)
        await say(parts, 2, session_id=8)
        await say(parts, 3, session_id=7)
        numbers = await follower.numbers(1)
    foreign = await client.get(f"/api/v1/events?session={render_id('ses', 8)}", headers=limited)

    assert numbers == [3]
    assert (foreign.status, (await foreign.json())["code"]) == (404, "session_not_found")


async def test_another_organization_hears_nothing(parts: Parts, client: Any, key: Any, clock: Any) -> None:
    await parts.database.write(lambda tx: add_org(tx, clock, org_id=2))

    async with follow(client, key) as follower:
        await say(parts, 1, org_id=2)
        await say(parts, 2)
        numbers = await follower.numbers(1)

    assert numbers == [2]


async def test_a_stream_ends_when_its_key_is_revoked(parts: Parts, client: Any) -> None:
    row, plaintext = await parts.database.write(lambda tx: parts.access.create_key(tx, org_id=1, name="short"))

    async with follow(client, {"X-API-Key": plaintext}) as follower:
        await parts.database.write(lambda tx: parts.access.revoke_key(tx, org_id=1, key_id=row.id))
        while not await follower.at_end():
            pass


async def test_all_streams_end_at_once_when_the_server_stops(
    parts: Parts, aiohttp_client: ClientFactory, key: Any
) -> None:
    client = await parts.serve(aiohttp_client)

    async with follow(client, key) as follower, asyncio.timeout(2):
        await client.server.close()

        assert await follower.at_end()


async def test_a_stream_that_nobody_reads_any_more_is_let_go(
    parts: Parts, client: Any, key: Any, eventually: Any
) -> None:
    async with follow(client, key):
        await eventually(lambda: len(parts.streams) == 1)

    await eventually(lambda: len(parts.streams) == 0)


async def test_a_listener_that_lets_events_pile_up_is_cut_off(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "_LONGEST_QUEUE", 10)
    listening = parts.hub.listen(Interest(org_id=1), after=0)
    await say(parts, 0)
    [first] = await anext(listening)

    await say(parts, *range(1, 50))
    heard = [told.event.data["number"] async for handful in listening for told in handful]

    assert first.event.data["number"] == 0
    assert heard == list(range(1, 11))
    assert parts.hub.cut_off == 1


async def test_a_listener_for_whom_there_was_nothing_learns_how_far_it_has_come(parts: Parts) -> None:
    hub = EventHub(database=parts.database, quiet_seconds=0.05)
    parts.events.when_committed(hub.wake)
    await hub.start()
    listening = hub.listen(Interest.of(org_id=1, globs=["session.*"], session_ids=None), after=await hub.now())
    waiting = asyncio.ensure_future(anext(listening))

    ids = await say(parts, 1, 2, 3)
    heard = await asyncio.wait_for(waiting, 10)
    await listening.aclose()
    await hub.stop()

    assert [render_id("evt", passed.position) for passed in heard if isinstance(passed, Passed)] == [ids[-1]]
    assert position_frame(ids[-1]) == f"id: {ids[-1]}\r\n\r\n".encode()


async def test_one_caller_may_hold_ten_streams(parts: Parts, client: Any, key: Any, eventually: Any) -> None:
    responses = [await client.get("/api/v1/events", headers={**STREAM, **key}) for _ in range(11)]

    assert [response.status for response in responses] == [200] * 10 + [429]
    assert (await responses[10].json())["code"] == "too_many_streams"
    for response in responses:
        response.close()
    await eventually(lambda: len(parts.streams) == 0)
    async with follow(client, key):
        pass


async def test_the_log_comes_in_pages_oldest_first(parts: Parts, client: Any, key: Any) -> None:
    await say(parts, *range(25))

    numbers, path = [], "/api/v1/events?types=webhook.*&limit=10"
    after: str | None = ""
    while after is not None:
        page = await (await client.get(f"{path}&after={after}" if after else path, headers=key)).json()
        numbers += [event["data"]["number"] for event in page["items"]]
        after = page["next"]

    assert numbers == list(range(25))


@pytest.mark.parametrize(
    ("query", "path"), [("types=toy.*", "types"), ("after=5", "after"), ("limit=0", "limit"), ("colour=red", "colour")]
)
async def test_a_question_that_makes_no_sense_is_refused(client: Any, key: Any, query: str, path: str) -> None:
    answer = await client.get(f"/api/v1/events?{query}", headers=key)

    assert answer.status == 422
    assert [field["path"] for field in (await answer.json())["fields"]] == [path]
