"""Many messages in one call: each is judged by itself, and a call that broke off can be repeated."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.fleet.models import Session
from gateway.kit.ids import IdGenerator
from gateway.messages.batch_routes import BatchRoutes
from gateway.messages.schemas import BatchOut
from gateway.messages.service import Messages
from tests.media.samples import jpeg
from tests.messages.test_http import tables_of
from tests.messages.world import ANNA, BEN, World
from tests.serving import ClientFactory, build_parts

CHUNK = 10
KEY = {"Idempotency-Key": "batch-1"}


@pytest.fixture
async def api(world: World, shop: Session, clock: Any, ids: IdGenerator, aiohttp_client: ClientFactory) -> Any:
    """A client with a key for everything; nothing is sent unless the test starts the dispatcher."""
    parts = build_parts(database=world.database, clock=clock, ids=ids)
    batch = BatchRoutes(database=world.database, messages=world.messages, composer=world.composer, chunk=CHUNK)
    client = await parts.serve(aiohttp_client, tables=[*tables_of(world), batch])
    client.session.headers["Authorization"] = f"Bearer {await parts.make_key(scopes=['*'])}"
    return client


def texts(count: int, **fields: Any) -> list[dict[str, Any]]:
    return [text(str(number), to=ANNA if number % 2 else BEN, **fields) for number in range(count)]


def text(body: str, **fields: Any) -> dict[str, Any]:
    return {"session": "shop", "to": ANNA, "type": "text", "text": {"body": body}, "client_ref": f"ref-{body}"} | fields


async def post(api: Any, messages: list[Any], status: int = 202, headers: dict[str, str] | None = None) -> Any:
    response = await api.post("/api/v1/messages/batch", json={"messages": messages}, headers=headers)
    answer = await response.json()
    assert response.status == status, answer
    return answer


async def test_items_come_back_in_order_and_leave_in_order(api: Any, world: World, shop: Session) -> None:
    answer = await post(api, texts(35))

    BatchOut.model_validate(answer)
    assert (answer["accepted"], answer["refused"]) == (35, 0)
    assert [item["index"] for item in answer["items"]] == list(range(35))
    assert [item["message"]["text"]["body"] for item in answer["items"]] == [str(number) for number in range(35)]
    await world.start()
    for entry in await world.all():
        await world.when(entry.message.id, "delivered")
    assert [entry.message.body for entry in await world.all()] == [str(number) for number in range(35)]


async def test_what_is_wrong_with_one_item_is_told_there_and_harms_no_other(api: Any, world: World) -> None:
    answer = await post(
        api,
        [
            text("good"),
            text("nobody", to="hello"),
            text("no session", session="nobody"),
            {"session": "shop", "to": ANNA, "type": "text"},
            "nonsense",
            text("stranger", to="+4915110000077", reply_to="msg_0000000000001"),
            text("too late", expires_at="2020-01-01T00:00:00Z"),
            text("also good", to=BEN),
        ],
    )

    codes = [item["problem"] and item["problem"]["code"] for item in answer["items"]]
    assert codes == [
        None,
        "recipient_invalid",
        "session_not_found",
        "invalid",
        "invalid",
        "message_not_found",
        "invalid",
        None,
    ]
    assert answer["items"][1]["client_ref"] == "ref-nobody"
    assert answer["items"][1]["problem"]["fields"][0]["path"] == "to"
    assert (answer["accepted"], answer["refused"]) == (2, 6)
    assert [entry.message.body for entry in await world.all()] == ["good", "also good"]
    assert len(await world.told("message.queued")) == 2
    assert {event.data["phone"] for event in await world.told("contact.created")} == {ANNA, BEN}


async def test_one_file_for_many_people_is_kept_once(api: Any, world: World) -> None:
    upload = await api.post("/api/v1/media", data=jpeg(8, 8), headers={"Content-Type": "image/jpeg"})
    media_id = (await upload.json())["id"]
    picture = {"session": "shop", "type": "image", "image": {"media_id": media_id, "caption": "look"}, "text": None}

    answer = await post(api, [picture | {"to": to} for to in (ANNA, BEN, ANNA)] + [picture | {"to": ANNA, "image": {}}])

    assert (answer["accepted"], answer["refused"]) == (3, 1)
    assert {entry.message.media_id for entry in await world.all()} == {(await world.all())[0].message.media_id}


async def test_a_repeated_call_gets_the_same_answer_and_sends_nothing_twice(api: Any, world: World) -> None:
    messages = [*texts(25), text("nobody", to="hello")]

    first = await post(api, messages, headers=KEY)
    second = await post(api, messages, headers=KEY)

    assert first == second
    assert len(await world.all()) == 25
    assert (await post(api, texts(3), 422, headers=KEY))["code"] == "idempotency_key_reused"


@pytest.mark.parametrize("accepted_before", [0, 4, 10, 14, 20, 24])
async def test_a_call_that_broke_off_anywhere_is_completed_by_repeating_it(
    api: Any, world: World, monkeypatch: pytest.MonkeyPatch, accepted_before: int
) -> None:
    messages = texts(25)
    working, calls = Messages.queue, 0

    def break_off(*arguments: Any, **more: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls > accepted_before:
            raise RuntimeError("the power is gone")
        return working(*arguments, **more)

    monkeypatch.setattr(Messages, "queue", break_off)
    await post(api, messages, 500, headers=KEY)
    assert len(await world.all()) == accepted_before // CHUNK * CHUNK
    monkeypatch.setattr(Messages, "queue", working)

    answer = await post(api, messages, headers=KEY)

    assert answer["accepted"] == 25
    stored = await world.all()
    assert [entry.message.client_ref for entry in stored] == [f"ref-{number}" for number in range(25)]
    assert [item["message"]["client_ref"] for item in answer["items"]] == [f"ref-{number}" for number in range(25)]
    assert await post(api, messages, headers=KEY) == answer


async def test_a_call_that_broke_off_cannot_be_completed_as_another_one(
    api: Any, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    working = BatchRoutes._accept

    async def once(self: Any, *arguments: Any, **more: Any) -> Any:
        if more["before"]:
            raise RuntimeError("the power is gone")
        return await working(self, *arguments, **more)

    monkeypatch.setattr(BatchRoutes, "_accept", once)
    await post(api, texts(25), 500, headers=KEY)
    monkeypatch.setattr(BatchRoutes, "_accept", working)

    problem = await post(api, texts(24), 422, headers=KEY)

    assert problem["code"] == "idempotency_key_reused"
    assert len(await world.all()) == CHUNK


async def test_a_batch_has_a_size(api: Any) -> None:
    assert (await post(api, [], 422))["fields"][0]["path"] == "messages"
    assert (await post(api, texts(1001), 422))["fields"][0]["path"] == "messages"


async def test_a_thousand_messages_are_accepted_in_one_call(api: Any, world: World) -> None:
    answer = await post(api, texts(1000))

    assert answer["accepted"] == 1000
    shown = await api.get("/api/v1/messages", params={"state": "queued", "limit": "1"})
    assert (await shown.json())["items"][0]["client_ref"] == "ref-999"
