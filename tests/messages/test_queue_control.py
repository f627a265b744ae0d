"""Looking at a queue, holding it, emptying it, and changing what waits in it, over HTTP."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from gateway.fleet.models import Session
from gateway.kit.ids import IdGenerator, parse_id
from gateway.messages.schemas import QueueOut
from sessions.errors import BusyError, RefusedError
from tests.messages.test_http import get, send, tables_of
from tests.messages.world import ANNA, BEN, World, name_of, poll
from tests.serving import ClientFactory, build_parts

OTHER_PHONE = "+4915110000009"


@pytest.fixture
async def api(world: World, shop: Session, clock: Any, ids: IdGenerator, aiohttp_client: ClientFactory) -> Any:
    """A client with a key for everything; the dispatcher rests until ``world.start()``."""
    parts = build_parts(database=world.database, clock=clock, ids=ids)
    client = await parts.serve(aiohttp_client, tables=tables_of(world))
    client.session.headers["Authorization"] = f"Bearer {await parts.make_key(scopes=['*'])}"
    return client


async def text(api: Any, body: str = "Hello", **fields: Any) -> Any:
    return await send(api, type="text", text={"body": body}, **fields)


async def post(api: Any, path: str, body: Any = None, status: int = 200, **headers: str) -> Any:
    response = await api.post(f"/api/v1/{path}", json=body, headers=headers)
    answer = await response.json()
    assert response.status == status, answer
    return answer


async def patch(api: Any, message: Any, status: int = 200, **fields: Any) -> Any:
    response = await api.patch(f"/api/v1/messages/{message['id']}", json=fields)
    answer = await response.json()
    assert response.status == status, answer
    return answer


async def queue_of(api: Any) -> Any:
    answer = await get(api, "/api/v1/sessions/shop/queue")
    QueueOut.model_validate(answer)
    return answer


async def now(api: Any, message: Any) -> Any:
    return await get(api, f"/api/v1/messages/{message['id']}")


async def sent_bodies(world: World, shop: Session, count: int) -> list[str]:
    async def look() -> list[Any] | None:
        sent = world.engine.sent(name_of(shop))
        return sent if len(sent) >= count else None

    return [envelope.content.body for envelope, _ in await poll(look)]


async def test_a_queue_shows_its_depths_and_why_it_waits(api: Any, world: World, shop: Session) -> None:
    await text(api)
    await text(api, to=BEN)
    world.advance(90)
    later = world.clock.now() + timedelta(hours=1)
    await text(api, send_at=later.isoformat())

    shown = await queue_of(api)

    assert (shown["queued"], shown["scheduled"], shown["sending"], shown["uncertain"]) == (2, 1, 0, 0)
    assert shown["oldest_queued_seconds"] == 90
    assert shown["next_at"] == later.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert shown["paused_at"] is None
    assert shown["waiting_for"] is None
    world.engine.drop(name_of(shop))
    await world.session_when(shop.id, lambda row: row.status == "reconnecting")
    assert (await queue_of(api))["waiting_for"]["code"] == "session_not_connected"


async def test_while_a_queue_is_paused_nothing_leaves_and_then_it_goes_on_in_order(
    api: Any, world: World, shop: Session
) -> None:
    paused = await post(api, "sessions/shop/queue/pause")
    first = await text(api, "one")
    await text(api, "two")
    await world.start()
    await world.dispatcher.run_once()

    assert paused["pause_reason"] == "requested"
    assert world.engine.sent(name_of(shop)) == []
    assert (await now(api, first))["waiting_for"] == {"code": "queue_paused", "until": None, "position": None}
    await post(api, "sessions/shop/queue/pause")
    resumed = await post(api, "sessions/shop/queue/resume")
    assert resumed["paused_at"] is None
    assert await sent_bodies(world, shop, 2) == ["one", "two"]
    assert [event.type for event in await world.told("queue.paused", "queue.resumed")] == [
        "queue.paused",
        "queue.resumed",
    ]


async def test_a_queue_is_cleared_in_steps_by_what_was_meant(api: Any, world: World) -> None:
    world.control.bite = 3
    for number in range(7):
        await text(api, str(number), purpose="marketing")
    kept = await text(api, "code", purpose="auth")
    later = (world.clock.now() + timedelta(hours=1)).isoformat()
    scheduled = await text(api, send_at=later, purpose="marketing")

    asked = {"purpose": "marketing", "states": ["queued"]}
    answer = await post(api, "sessions/shop/queue/clear", asked, **{"Idempotency-Key": "clear-1"})
    again = await post(api, "sessions/shop/queue/clear", asked, **{"Idempotency-Key": "clear-1"})

    assert answer == again == {"cancelled": 7}
    assert (await now(api, kept))["state"] == "queued"
    assert (await now(api, scheduled))["state"] == "scheduled"
    assert await post(api, "sessions/shop/queue/clear", {}) == {"cancelled": 2}
    assert len(await world.told("message.status")) == 9


async def test_what_failed_is_sent_again_by_the_dozen_and_what_is_uncertain_is_not(
    api: Any, world: World, shop: Session
) -> None:
    for _ in range(2):
        world.engine.fail_next(name_of(shop), RefusedError())
    await world.start()
    failed = [await text(api, str(number)) for number in range(2)]
    for message in failed:
        await world.when(parse_id("msg", message["id"]), "failed")

    other = await post(api, "messages/retry-failed", {"error_code": "media_missing"}, status=202)
    answer = await post(api, "messages/retry-failed", {"session": "shop", "error_code": "refused"}, status=202)

    assert (other["queued"], answer["queued"]) == (0, 2)
    assert await sent_bodies(world, shop, 2) == ["0", "1"]


async def test_a_waiting_message_can_be_reworded_retimed_and_reordered(api: Any, world: World, shop: Session) -> None:
    first = await text(api, "one", to=ANNA)
    second = await text(api, "two", to=BEN)
    later = world.clock.now() + timedelta(hours=1)

    changed = await patch(api, first, text={"body": "uno"}, send_at=later.isoformat(), client_ref="a")
    await patch(api, second, priority="high")

    assert (changed["state"], changed["text"]["body"], changed["client_ref"]) == ("scheduled", "uno", "a")
    assert (await now(api, first))["waiting_for"]["code"] == "not_due"
    hurried = await patch(api, first, send_at=None, expires_at=(later + timedelta(hours=1)).isoformat())
    assert (hurried["state"], hurried["due_at"]) == ("queued", None)
    await world.start()
    assert await sent_bodies(world, shop, 2) == ["two", "uno"]
    assert len(await world.told("message.changed")) == 3


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"send_at": "2030-01-02T00:00:00Z", "expires_at": "2030-01-01T00:00:00Z"}, "expires_at"),
        ({"caption": "x"}, "caption"),
        ({"text": {"body": ""}}, "text.body"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_a_change_that_makes_no_sense_is_refused_and_changes_nothing(
    api: Any, fields: dict[str, Any], path: str
) -> None:
    message = await text(api)

    problem = await patch(api, message, 422, priority="high", **fields)

    assert path in [field["path"] for field in problem["fields"]]
    assert (await now(api, message))["priority"] == "normal"


async def test_what_was_handed_over_is_out_of_reach(api: Any, world: World, shop: Session) -> None:
    await world.start()
    message = await text(api)
    await world.when(parse_id("msg", message["id"]), "delivered")

    problem = await patch(api, message, 409, priority="high")

    assert problem["code"] == "message_not_changeable"
    await post(api, f"messages/{message['id']}/send-now", status=409)
    await post(api, f"messages/{message['id']}/resolve", {"outcome": "sent"}, status=409)


async def test_a_message_can_be_sent_now_whatever_time_it_had(api: Any, world: World, shop: Session) -> None:
    await text(api, "first", to=BEN)
    later = (world.clock.now() + timedelta(days=1)).isoformat()
    message = await text(api, "hurry", to=ANNA, send_at=later)

    hurried = await post(api, f"messages/{message['id']}/send-now", status=202)

    assert (hurried["state"], hurried["priority"]) == ("queued", "high")
    await world.start()
    assert await sent_bodies(world, shop, 2) == ["hurry", "first"]


async def test_every_message_that_waits_says_what_for(api: Any, world: World, shop: Session) -> None:
    world.engine.fail_next(name_of(shop), BusyError())
    world.tools.settled.watch()
    await world.start()
    retried = await text(api, to=ANNA)
    await world.tools.settled.wait()
    behind = await text(api, to=ANNA)
    other = await text(api, to=BEN)

    shown = {row["id"]: row["waiting_for"] for row in (await get(api, "/api/v1/messages"))["items"]}

    assert shown[retried["id"]]["code"] == "whatsapp_busy"
    assert shown[retried["id"]]["until"] is not None
    assert shown[behind["id"]]["code"] == shown[other["id"]]["code"] == "whatsapp_busy"
    world.advance(75)
    await world.when(parse_id("msg", other["id"]), "queued")
    assert (await now(api, other))["waiting_for"] == {"code": "behind_others", "until": None, "position": 1}
    assert (await now(api, behind))["waiting_for"]["code"] == "earlier_message_retries"
    world.dispatcher.wake()
    await world.when(parse_id("msg", behind["id"]), "delivered")
    assert (await now(api, behind))["waiting_for"] is None


async def test_what_waits_for_one_phone_never_leaves_from_another_by_itself(
    api: Any, world: World, shop: Session
) -> None:
    await world.start()
    world.engine.drop(name_of(shop))
    await world.session_when(shop.id, lambda row: row.status == "reconnecting")
    message = await text(api, "from the old number")
    world.engine.unlink(name_of(shop))
    await world.session_when(shop.id, lambda row: not row.is_paired)

    await world.link_again(shop, OTHER_PHONE)

    paused = await queue_of(api)
    assert paused["pause_reason"] == "phone_changed"
    assert (await now(api, message))["waiting_for"]["code"] == "phone_changed"
    assert world.engine.sent(name_of(shop)) == []
    await post(api, "sessions/shop/queue/resume")
    await world.when(parse_id("msg", message["id"]), "delivered")


async def test_the_same_phone_linked_again_just_goes_on(api: Any, world: World, shop: Session) -> None:
    await world.start()
    world.engine.drop(name_of(shop))
    await world.session_when(shop.id, lambda row: row.status == "reconnecting")
    message = await text(api)
    world.engine.unlink(name_of(shop))
    await world.session_when(shop.id, lambda row: not row.is_paired)

    await world.link_again(shop)

    await world.when(parse_id("msg", message["id"]), "delivered")


async def test_queues_of_others_are_not_there(api: Any, world: World, clock: Any, ids: IdGenerator) -> None:
    for path in ("pause", "resume", "clear"):
        problem = await post(api, f"sessions/nobody/queue/{path}", {} if path == "clear" else None, status=404)
        assert problem["code"] == "session_not_found"
    await get(api, "/api/v1/sessions/nobody/queue", 404)
    await post(api, "messages/retry-failed", {"session": "nobody"}, status=404)
