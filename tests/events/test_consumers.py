"""Named consumers: events by the batch, in order, given out again until they are dealt with."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from gateway.events.lag import ConsumerLag
from gateway.kit.ids import render_id
from tests.conftest import add_org
from tests.events.speaking import forget_all, say
from tests.serving import ClientFactory, Parts

BEGINNING = render_id("evt", 0)
BASE = "/api/v1/events/consumers"


@dataclass
class Worker:
    """Pulls for one consumer, as a program does."""

    client: Any
    headers: dict[str, str]
    name: str = "crm"

    async def put(self, **wish: Any) -> Any:
        return await self.client.put(f"{BASE}/{self.name}", json=wish, headers=self.headers)

    async def pull(self, **more: Any) -> dict[str, Any]:
        body = {"consumer": self.name, **more}
        answer = await self.client.post("/api/v1/events/pull", json=body, headers=self.headers)
        assert answer.status == 200, await answer.text()
        batch: dict[str, Any] = await answer.json()
        return batch

    async def ack(self, position: str, **more: Any) -> Any:
        body = {"consumer": self.name, "position": position, **more}
        return await self.client.post("/api/v1/events/ack", json=body, headers=self.headers)

    async def look(self) -> dict[str, Any]:
        found: dict[str, Any] = await (await self.client.get(f"{BASE}/{self.name}", headers=self.headers)).json()
        return found


def numbers(batch: dict[str, Any]) -> list[int]:
    return [event["data"]["number"] for event in batch["items"]]


async def code(answer: Any) -> tuple[int, str]:
    return answer.status, (await answer.json())["code"]


@pytest.fixture(autouse=True)
async def hub(parts: Parts) -> AsyncIterator[Any]:
    await parts.hub.start()
    yield parts.hub
    await parts.hub.stop()


@pytest.fixture
async def worker(parts: Parts, client: Any) -> Worker:
    """Of a consumer that begins at the oldest event and wants only what tests say."""
    worker = Worker(client, {"X-API-Key": await parts.make_key()})
    assert (await worker.put(types=["webhook.*"], after=BEGINNING)).status == 201
    return worker


async def test_events_come_in_order_and_go_on_after_what_was_acknowledged(parts: Parts, worker: Worker) -> None:
    await say(parts, *range(1, 8))

    seen = []
    while (batch := await worker.pull(limit=3))["items"]:
        seen += numbers(batch)
        assert batch["position"] == batch["items"][-1]["id"]
        assert batch["more"] == (seen[-1] < 7)
        assert (await worker.ack(batch["position"], lease=batch["lease"])).status == 200

    assert seen == [1, 2, 3, 4, 5, 6, 7]


async def test_what_is_not_acknowledged_in_time_comes_again(parts: Parts, worker: Worker, clock: Any) -> None:
    await say(parts, 1, 2)

    first = await worker.pull(lease_seconds=60)
    clock.advance(59)
    meanwhile = await worker.pull()
    clock.advance(1)
    again = await worker.pull()

    assert (numbers(first), numbers(meanwhile), numbers(again)) == ([1, 2], [], [1, 2])
    assert again["lease"] != first["lease"]
    assert meanwhile == {"items": [], "position": None, "lease": None, "leased_until": None, "more": False}


async def test_two_workers_never_hold_the_same_events(parts: Parts, worker: Worker) -> None:
    """All at once, so that they really meet."""
    total, seen, at_work = 60, [], 0
    await say(parts, *range(1, total + 1))

    async def work() -> None:
        nonlocal at_work
        while len(seen) < total:
            batch = await worker.pull(limit=7, wait_seconds=0.1)
            if not batch["items"]:
                continue
            at_work += 1
            assert at_work == 1
            seen.extend(numbers(batch))
            await asyncio.sleep(0)
            at_work -= 1
            await worker.ack(batch["position"], lease=batch["lease"])

    await asyncio.wait_for(asyncio.gather(*(work() for _ in range(4))), 20)

    assert seen == list(range(1, total + 1))


async def test_an_acknowledgement_may_be_repeated_and_never_goes_backwards(parts: Parts, worker: Worker) -> None:
    ids = await say(parts, 1, 2, 3)
    batch = await worker.pull()
    first = await worker.ack(ids[2], lease=batch["lease"])

    again = await worker.ack(ids[2], lease=batch["lease"])
    back = await worker.ack(ids[0])

    assert [first.status, again.status, back.status] == [200, 200, 200]
    assert [(await answer.json())["position"] for answer in (first, again, back)] == [ids[2]] * 3
    assert (await worker.pull())["items"] == []


async def test_a_worker_that_was_too_slow_is_told_that_others_have_its_events(
    parts: Parts, worker: Worker, clock: Any
) -> None:
    await say(parts, 1)
    slow = await worker.pull(lease_seconds=1)
    clock.advance(2)
    quick = await worker.pull()

    assert await code(await worker.ack(slow["position"], lease=slow["lease"])) == (409, "lease_lost")
    assert (await worker.ack(quick["position"], lease=quick["lease"])).status == 200


async def test_an_acknowledgement_within_a_batch_keeps_the_rest_for_longer(
    parts: Parts, worker: Worker, clock: Any
) -> None:
    ids = await say(parts, 1, 2, 3)
    batch = await worker.pull(lease_seconds=10)
    for position in ids[:2]:
        clock.advance(8)
        answer = await (await worker.ack(position, lease=batch["lease"])).json()
        assert answer["leased_until"] is not None
        assert (await worker.pull())["items"] == []
    clock.advance(11)

    assert numbers(await worker.pull()) == [3]


async def test_a_worker_that_stops_gives_back_what_is_left(parts: Parts, worker: Worker) -> None:
    ids = await say(parts, 1, 2, 3)
    batch = await worker.pull()

    answer = await worker.ack(ids[0], lease=batch["lease"], release=True)

    assert (await answer.json())["leased_until"] is None
    assert numbers(await worker.pull()) == [2, 3]


async def test_what_was_read_in_pages_can_be_acknowledged_without_a_lease(parts: Parts, worker: Worker) -> None:
    ids = await say(parts, 1, 2, 3)

    assert (await worker.ack(ids[1])).status == 200
    assert numbers(await worker.pull()) == [3]


async def test_an_event_that_did_not_happen_yet_cannot_be_acknowledged(parts: Parts, worker: Worker) -> None:
    await say(parts, 1)

    answer = await worker.ack(render_id("evt", 1 << 40))

    assert answer.status == 422
    assert [field["path"] for field in (await answer.json())["fields"]] == ["position"]


async def test_a_new_consumer_begins_now_unless_told_otherwise(parts: Parts, worker: Worker) -> None:
    await say(parts, 1)
    late = Worker(worker.client, worker.headers, "late")
    await late.put()
    await say(parts, 2)

    assert numbers(await late.pull()) == [2]


async def test_changing_a_consumer_keeps_its_position(parts: Parts, worker: Worker) -> None:
    ids = await say(parts, 1, 2, 3, session_id=7)
    await worker.ack(ids[0])

    answer = await worker.put(types=["webhook.test"], sessions=[render_id("ses", 7)], after=BEGINNING)

    changed = await answer.json()
    assert (answer.status, changed["position"]) == (200, ids[0])
    assert (changed["types"], changed["sessions"]) == (["webhook.test"], [render_id("ses", 7)])
    assert numbers(await worker.pull()) == [2, 3]


async def test_a_consumer_gets_only_what_it_wants(parts: Parts, worker: Worker) -> None:
    picky = Worker(worker.client, worker.headers, "picky")
    await picky.put(types=["webhook.*"], sessions=[render_id("ses", 7)])
    await say(parts, 1, session_id=8)
    await say(parts, 2)
    await say(parts, 3, session_id=7)

    assert numbers(await picky.pull()) == [3]


async def test_seeking_goes_anywhere_and_takes_the_batch_away(parts: Parts, worker: Worker) -> None:
    ids = await say(parts, 1, 2, 3)
    batch = await worker.pull()
    path = f"{BASE}/crm/seek"

    async def seek(after: str | None) -> Any:
        return await worker.client.post(path, json={"after": after}, headers=worker.headers)

    assert (await seek(ids[1])).status == 200
    assert numbers(await worker.pull()) == [3]
    assert await code(await worker.ack(batch["position"], lease=batch["lease"])) == (409, "lease_lost")
    await seek(BEGINNING)
    assert numbers(await worker.pull()) == [1, 2, 3]
    await seek(None)
    assert (await worker.pull())["items"] == []
    assert (await seek(render_id("evt", 1 << 40))).status == 422


async def test_a_pull_waits_until_something_happens(parts: Parts, worker: Worker, eventually: Any) -> None:
    pulling = asyncio.create_task(worker.pull(wait_seconds=10))
    await eventually(lambda: parts.hub.listeners == 1)

    await say(parts, 1)

    assert numbers(await pulling) == [1]


async def test_a_pull_that_waits_gets_what_another_worker_gives_back(parts: Parts, worker: Worker) -> None:
    ids = await say(parts, 1, 2)
    batch = await worker.pull(limit=1)
    pulling = asyncio.create_task(worker.pull(wait_seconds=10))

    await worker.ack(ids[0], lease=batch["lease"])

    assert numbers(await pulling) == [2]


async def test_a_pull_that_waits_gets_what_another_worker_lost(parts: Parts, worker: Worker, clock: Any) -> None:
    await say(parts, 1)
    await worker.pull(lease_seconds=30)
    pulling = asyncio.create_task(worker.pull(wait_seconds=10))

    clock.advance(31)

    assert numbers(await pulling) == [1]


async def test_a_pull_waits_no_longer_than_it_was_told(worker: Worker) -> None:
    assert (await asyncio.wait_for(worker.pull(wait_seconds=0.05), 5))["items"] == []


async def test_nothing_is_given_to_a_worker_that_has_hung_up(parts: Parts, worker: Worker, eventually: Any) -> None:
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(worker.pull(wait_seconds=10), 0.2)
    await eventually(lambda: parts.hub.listeners == 0)

    await say(parts, 1)

    assert numbers(await worker.pull()) == [1]


async def test_a_pull_that_waits_ends_when_the_server_stops(
    parts: Parts, aiohttp_client: ClientFactory, worker: Worker, eventually: Any
) -> None:
    client: Any = await parts.serve(aiohttp_client)
    pulling = asyncio.create_task(Worker(client, worker.headers).pull(wait_seconds=30))
    await eventually(lambda: parts.hub.listeners == 1)

    async with asyncio.timeout(3):
        stopping = asyncio.create_task(client.server.close())
        assert (await pulling)["items"] == []
        await stopping


async def test_a_consumer_that_was_away_for_too_long_is_told_so_until_it_seeks(
    parts: Parts, worker: Worker, clock: Any
) -> None:
    ids = await say(parts, 1, 2)
    await forget_all(parts, clock)
    await say(parts, 3)

    body = {"consumer": "crm"}
    refused = [
        await worker.client.post("/api/v1/events/pull", json=body, headers=worker.headers),
        await worker.client.post(f"{BASE}/crm/seek", json={"after": ids[0]}, headers=worker.headers),
    ]
    problems = [await answer.json() for answer in refused]
    await worker.client.post(f"{BASE}/crm/seek", json={"after": BEGINNING}, headers=worker.headers)

    assert [(problem["status"], problem["code"]) for problem in problems] == [(410, "events_gone")] * 2
    assert ids[1] in problems[0]["detail"]
    assert numbers(await worker.pull()) == [3]


async def test_what_no_consumer_has_dealt_with_is_kept_up_to_a_bound(parts: Parts, worker: Worker, clock: Any) -> None:
    ids = await say(parts, 1, 2, 3)
    await worker.ack(ids[0])
    clock.advance(100)

    async def forget(seconds_kept: int) -> int:
        now = clock.now()
        options: dict[str, Any] = {"after": 0, "limit": 100, "needed": lambda *_: frozenset()}
        unacked_before = now.fromtimestamp(now.timestamp() - seconds_kept, now.tzinfo)
        gone = await parts.database.write(
            lambda tx: parts.events.forget(tx, before=now, unacked_before=unacked_before, **options)
        )
        return gone.count

    assert await forget(200) == 2  # the key's own event, and what is acknowledged
    assert numbers(await worker.pull()) == [2, 3]
    assert await forget(50) == 2
    answer = await worker.client.post("/api/v1/events/pull", json={"consumer": "crm"}, headers=worker.headers)
    assert await code(answer) == (410, "events_gone")


async def test_a_consumer_without_news_does_not_hold_the_log(parts: Parts, worker: Worker, clock: Any) -> None:
    await parts.make_key()  # an event of a type that it does not want
    clock.advance(60)

    await worker.pull()
    position = (await worker.look())["position"]
    [last] = await say(parts, 2)

    assert position < last
    assert position > BEGINNING


async def test_the_lag_is_told_and_counted(parts: Parts, worker: Worker, clock: Any) -> None:
    await say(parts, 1, 2, 3)
    clock.advance(90)
    lag = ConsumerLag(database=parts.database, clock=clock)
    await lag.run_once()
    behind = await worker.look()

    await worker.ack((await worker.pull())["position"])
    await lag.run_once()

    assert behind["lag"] == {"events": 3, "seconds": 90.0}
    assert (await worker.look())["lag"] == {"events": 0, "seconds": 0.0}
    assert lag.by_consumer() == {behind["id"]: 0.0}
    assert behind["id"].startswith("evc_")


async def test_the_lag_of_a_consumer_that_wants_little_is_found_when_it_comes(
    parts: Parts, worker: Worker, clock: Any
) -> None:
    lag = ConsumerLag(database=parts.database, clock=clock)
    await parts.make_key()
    await lag.run_once()
    await say(parts, 1)
    clock.advance(5)
    await lag.run_once()
    await lag.run_once()

    assert list(lag.by_consumer().values()) == [5.0]


async def test_consumers_can_be_listed_and_deleted(worker: Worker) -> None:
    for name in ("b", "a"):
        await Worker(worker.client, worker.headers, name).put()

    names, after = [], ""
    while True:
        page = await (await worker.client.get(f"{BASE}?limit=2{after}", headers=worker.headers)).json()
        names += [item["name"] for item in page["items"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    gone = await worker.client.delete(f"{BASE}/crm", headers=worker.headers)

    assert names == ["crm", "b", "a"]
    assert gone.status == 204
    assert await code(await worker.client.get(f"{BASE}/crm", headers=worker.headers)) == (404, "consumer_not_found")
    pull = await worker.client.post("/api/v1/events/pull", json={"consumer": "crm"}, headers=worker.headers)
    assert await code(pull) == (404, "consumer_not_found")


async def test_others_see_no_consumer_of_ours(parts: Parts, worker: Worker, clock: Any) -> None:
    await parts.database.write(lambda tx: add_org(tx, clock, org_id=2))
    ids = await say(parts, 1)
    stranger = Worker(worker.client, {"X-API-Key": await parts.make_key(org_id=2)})
    limited = Worker(worker.client, {"X-API-Key": await parts.make_key(session_ids=[7])})

    for other in (stranger, limited):
        assert (await worker.client.get(f"{BASE}/crm", headers=other.headers)).status == 404
        assert (await worker.client.get(BASE, headers=other.headers)).status == 200
        assert (await (await worker.client.get(BASE, headers=other.headers)).json())["items"] == []
        assert (await other.ack(ids[0])).status == 404
        assert (await worker.client.delete(f"{BASE}/crm", headers=other.headers)).status == 404
    assert (await limited.put()).status == 404
    assert (await stranger.put(after=BEGINNING)).status == 201
    assert numbers(await worker.pull()) == [1]


async def test_a_key_for_one_session_makes_consumers_of_that_session(parts: Parts, worker: Worker) -> None:
    limited = Worker(worker.client, {"X-API-Key": await parts.make_key(session_ids=[7])}, "narrow")

    made = await (await limited.put()).json()
    refused = await Worker(worker.client, limited.headers, "wide").put(sessions=[render_id("ses", 8)])
    await say(parts, 1, session_id=8)
    await say(parts, 2, session_id=7)

    assert made["sessions"] == [render_id("ses", 7)]
    assert await code(refused) == (404, "session_not_found")
    assert numbers(await limited.pull()) == [2]


async def test_consumers_are_not_without_number(worker: Worker) -> None:
    for number in range(49):
        assert (await Worker(worker.client, worker.headers, f"c{number}").put()).status == 201

    assert await code(await Worker(worker.client, worker.headers, "more").put()) == (409, "consumer_limit_reached")


@pytest.mark.parametrize(
    ("name", "wish", "path"),
    [
        ("Crm", {}, "consumer"),
        ("x" * 65, {}, "consumer"),
        ("new", {"types": ["toy.*"]}, "types"),
        ("new", {"types": []}, "types"),
        ("new", {"after": "evt_1"}, "after"),
        ("new", {"after": render_id("evt", 1 << 40)}, "position"),
        ("new", {"colour": "red"}, "colour"),
    ],
)
async def test_a_wish_that_makes_no_sense_is_refused(worker: Worker, name: str, wish: Any, path: str) -> None:
    answer = await Worker(worker.client, worker.headers, name).put(**wish)

    assert answer.status == 422
    assert [field["path"] for field in (await answer.json())["fields"]] == [path]
