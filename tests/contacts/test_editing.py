"""Contacts are added, deleted, brought back and merged; whatever led to one of them goes on leading there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.contacts.editing import ContactEditor
from gateway.contacts.editing_routes import ContactEditingRoutes
from gateway.contacts.routes import ContactRoutes
from gateway.contacts.variants import other_form
from gateway.fleet.models import Session
from gateway.kit.ids import IdGenerator, parse_id, render_id
from gateway.messages.chat_list_routes import ChatListRoutes
from sessions.content import Text
from tests.messages.world import ANNA, BEN, World, name_of
from tests.serving import ClientFactory, Parts, build_parts


@pytest.fixture
async def world(any_database: Any, any_org: Any, clock: Any, ids: IdGenerator, tmp_path: Path) -> AsyncIterator[World]:
    made = World(database=any_database, clock=clock, ids=ids, folder=tmp_path)
    await made.open()
    yield made
    await made.close()


@pytest.fixture
async def shop(world: World) -> Session:
    return await world.link()


@pytest.fixture
async def api(world: World, shop: Session, clock: Any, ids: IdGenerator, aiohttp_client: ClientFactory) -> Any:
    parts: Parts = build_parts(database=world.database, clock=clock, ids=ids)
    editor = ContactEditor(clock=clock, contacts=world.contacts)
    tables = [
        ContactRoutes(database=world.database, contacts=world.contacts),
        ContactEditingRoutes(database=world.database, editor=editor),
        ChatListRoutes(database=world.database, sessions=world.sessions, contacts=world.contacts),
    ]
    client = await parts.serve(aiohttp_client, tables=tables)
    client.session.headers["Authorization"] = f"Bearer {await parts.make_key(scopes=['*'])}"
    return client


async def call(api: Any, method: str, path: str, status: int = 200, body: Any = None, **query: str) -> Any:
    response = await api.request(method, f"/api/v1{path}", json=body, params=query)
    answer = await response.json() if response.content_type.endswith("json") else None
    assert response.status == status, answer
    return answer


async def test_a_contact_is_added_found_by_every_name_and_changed(api: Any) -> None:
    made = await call(api, "POST", "/contacts", 201, {"to": "+49 151 10000002", "name": "José"})

    assert (made["phone"], made["name"]) == (ANNA, "José")
    for reference in (made["id"], ANNA, "4915110000002@s.whatsapp.net"):
        assert (await call(api, "GET", f"/contacts/{reference}"))["id"] == made["id"]
    for asked in ("jose", "JOSÉ", "0151 1000"):
        assert [one["id"] for one in (await call(api, "GET", "/contacts", search=asked))["items"]] == [made["id"]]
    changed = await call(api, "PATCH", f"/contacts/{ANNA}", body={"name": "Zoë"})
    assert (changed["id"], changed["name"]) == (made["id"], "Zoë")
    assert (await call(api, "GET", "/contacts", search="jose"))["items"] == []


async def test_the_same_person_is_not_added_twice(api: Any) -> None:
    made = await call(api, "POST", "/contacts", 201, {"to": ANNA})

    problem = await call(api, "POST", "/contacts", 409, {"to": ANNA})

    assert problem["code"] == "contact_exists"
    assert made["id"] in problem["detail"]


@pytest.mark.parametrize("to", ["", "anna", "123", "120363000000000001@g.us", "x@y", "con_0000000000001"])
async def test_what_names_nobody_is_refused(api: Any, to: str) -> None:
    assert (await call(api, "POST", "/contacts", 422, {"to": to}))["code"] == "recipient_invalid"
    assert (await call(api, "GET", f"/contacts/{to or 'nobody'}", 404))["code"] == "contact_not_found"


async def test_a_deleted_contact_is_out_of_sight_and_can_be_restored(api: Any, world: World) -> None:
    made = await call(api, "POST", "/contacts", 201, {"to": ANNA, "name": "Anna"})

    await call(api, "DELETE", f"/contacts/{made['id']}", 204)

    assert (await call(api, "GET", "/contacts"))["items"] == []
    assert (await call(api, "GET", f"/contacts/{made['id']}", 404))["code"] == "contact_not_found"
    assert (await call(api, "DELETE", f"/contacts/{ANNA}", 404))["code"] == "contact_not_found"
    restored = await call(api, "POST", f"/contacts/{made['id']}/restore")
    assert restored["name"] == "Anna"
    assert [one["id"] for one in (await call(api, "GET", "/contacts"))["items"]] == [made["id"]]
    assert [event.type for event in await world.told("contact.deleted", "contact.restored")] == [
        "contact.deleted",
        "contact.restored",
    ]


async def test_who_was_deleted_comes_back_when_they_write(api: Any, world: World, shop: Session) -> None:
    made = await call(api, "POST", "/contacts", 201, {"to": ANNA, "name": "Anna"})
    await call(api, "DELETE", f"/contacts/{made['id']}", 204)

    world.engine.phone(ANNA, "Anna")
    world.engine.incoming(name_of(shop), ANNA, Text(body="still there?"))
    await world.incoming(1)

    assert [one["id"] for one in (await call(api, "GET", "/contacts"))["items"]] == [made["id"]]


async def test_a_deleted_contact_can_be_added_again_and_is_the_same_one(api: Any) -> None:
    made = await call(api, "POST", "/contacts", 201, {"to": ANNA, "name": "Anna"})
    await call(api, "DELETE", f"/contacts/{made['id']}", 204)

    again = await call(api, "POST", "/contacts", 201, {"to": ANNA})

    assert (again["id"], again["name"]) == (made["id"], "Anna")


async def test_merging_joins_chats_messages_and_names_and_the_old_id_goes_on_working(
    api: Any, world: World, shop: Session
) -> None:
    for number in (ANNA, BEN):
        world.engine.phone(number, number)
        world.engine.incoming(name_of(shop), number, Text(body=f"from {number}"))
    await world.incoming(2)
    anna = await call(api, "GET", f"/contacts/{ANNA}")
    ben = await call(api, "GET", f"/contacts/{BEN}")

    kept = await call(api, "POST", f"/contacts/{anna['id']}/merge", body={"contact": BEN})

    assert (kept["id"], kept["phone"], kept["lid"]) == (anna["id"], ANNA, anna["lid"])
    assert (await call(api, "GET", f"/contacts/{ben['id']}"))["id"] == anna["id"]
    assert (await call(api, "GET", f"/contacts/{BEN}"))["id"] == anna["id"]
    assert (await call(api, "GET", f"/contacts/{ben['lid']}"))["id"] == anna["id"]
    for contact_id in (anna["id"], ben["id"]):
        [chat] = (await call(api, "GET", "/chats", contact=contact_id))["items"]
        assert (chat["contact"], chat["unread"]) == (anna["id"], 2)
    messages = await world.all(contact_id=parse_id("con", anna["id"]))
    assert len(messages) == 2
    [told] = await world.told("contact.merged")
    assert (told.data["id"], told.data["merged"]) == (anna["id"], ben["id"])
    assert (told.data["phone"], told.data["lid"]) == (ANNA, anna["lid"])
    assert (await call(api, "POST", f"/contacts/{ben['id']}/merge", 409, {"contact": BEN}))[
        "code"
    ] == "contacts_are_one"


async def test_what_arrives_from_either_side_of_a_merge_is_filed_in_one_chat(
    api: Any, world: World, shop: Session
) -> None:
    for number in (ANNA, BEN):
        world.engine.phone(number, number)
        await call(api, "POST", "/contacts", 201, {"to": number})
    await call(api, "POST", f"/contacts/{ANNA}/merge", body={"contact": BEN})

    for number in (ANNA, BEN):
        world.engine.incoming(name_of(shop), number, Text(body="hello"))

    entries = await world.incoming(2)
    assert len({entry.chat.id for entry in entries}) == 1
    assert {render_id("con", entry.message.contact_id or 0) for entry in entries} == {
        (await call(api, "GET", f"/contacts/{ANNA}"))["id"]
    }


@pytest.mark.parametrize(
    ("one", "other"),
    [("+5511987654321", "+551187654321"), ("+5215512345678", "+525512345678"), ("+5491123456789", "+541123456789")],
)
async def test_two_ways_of_writing_a_number_are_one_person(api: Any, one: str, other: str) -> None:
    assert (other_form(one), other_form(other)) == (other, one)
    made = await call(api, "POST", "/contacts", 201, {"to": one})

    assert (await call(api, "GET", f"/contacts/{other}"))["id"] == made["id"]
    assert (await call(api, "POST", "/contacts", 409, {"to": other}))["code"] == "contact_exists"


@pytest.mark.parametrize("phone", ["+4915110000002", "+551132654321", "+15551234567"])
def test_most_numbers_have_one_form(phone: str) -> None:
    assert other_form(phone) is None


async def test_chats_are_listed_with_what_was_said_last_and_narrowed(api: Any, world: World, shop: Session) -> None:
    world.engine.phone(ANNA, "Ánna")
    world.engine.phone(BEN, "Ben")
    world.engine.incoming(name_of(shop), ANNA, Text(body="first"))
    await world.incoming(1)
    world.engine.incoming(name_of(shop), BEN, Text(body="last " + "x" * 300))
    await world.incoming(2)
    await world.queue(to=ANNA, body="an answer")

    listed = (await call(api, "GET", "/chats"))["items"]

    assert [(chat["name"], chat["phone"], chat["unread"]) for chat in listed] == [("Ánna", ANNA, 1), ("Ben", BEN, 1)]
    assert (listed[0]["preview"]["direction"], listed[0]["preview"]["text"]) == ("out", "an answer")
    assert (listed[0]["preview"]["type"], listed[0]["preview"]["state"]) == ("text", "queued")
    assert len(listed[1]["preview"]["text"]) == 200
    assert listed[0]["lid"].endswith("@lid")
    for query, names in (
        ({"search": "anna"}, ["Ánna"]),
        ({"search": "0151 10000003"}, ["Ben"]),
        ({"unread": "false"}, []),
        ({"unread": "true"}, ["Ánna", "Ben"]),
        ({"kind": "group"}, []),
        ({"contact": listed[1]["contact"]}, ["Ben"]),
        ({"session": "shop", "limit": "1"}, ["Ánna"]),
    ):
        assert [chat["name"] for chat in (await call(api, "GET", "/chats", **query))["items"]] == names, query
    assert (await call(api, "GET", f"/chats/{listed[0]['id']}")) == listed[0]
