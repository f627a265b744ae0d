"""Whatever is another organization's is not there: every route of the gateway is tried with foreign ids."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from gateway.access.service import EVERYTHING
from gateway.api.route import Route, routes_of
from gateway.assembly.face import build_face, build_tables
from gateway.assembly.parts import Parts, build_parts
from gateway.config.settings import Config
from gateway.datafolder import DataFolder, FolderKind
from gateway.db.tx import Tx
from gateway.health import Readiness
from gateway.kit.ids import render_id
from gateway.principal import Principal, PrincipalKind
from gateway.webhooks.models import WebhookDelivery
from gateway.webhooks.service import WebhookDraft
from sessions.address import Address, Jid
from sessions.groups import GroupInfo
from tests.conftest import add_org
from tests.serving import FROM_OUR_PAGE, PASSWORD

OURS = Principal(org_id=1, kind=PrincipalKind.SYSTEM, subject_id=None, scopes=EVERYTHING)
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c49444154789c63606060000000040001f61738550000000049454e44ae426082"
)
PHONE = "+4915112345678"

#: Parts of addresses that name things of WhatsApp's: nobody's here.
OUTSIDE = {
    "version": "21.0",
    "who": PHONE,
    "channel": "120363000000000002@newsletter",
    "invite": "0029Va4Kx",
    "server_id": "100",
}
#: What a route needs to get as far as looking for the thing that its address names.
BODIES: dict[str, dict[str, Any]] = {
    "cloud.send": {"messaging_product": "whatsapp", "to": PHONE, "text": {"body": "hello"}},
    "channels.create": {"name": "eves"},
    "channels.react": {"emoji": "x"},
    "channels.viewed": {"server_ids": [100]},
    "contacts.merge": {"contact": PHONE},
    "contacts.update": {"name": "Eve"},
    "groups.answer_join_requests": {"action": "approve", "participants": [PHONE]},
    "groups.change_participants": {"action": "add", "participants": [PHONE]},
    "groups.link": {"group": "cht_0000000000001"},
    "groups.set_picture": {"media_id": "med_0000000000001"},
    "groups.update": {"subject": "eves"},
    "messages.resolve": {"outcome": "failed"},
    "people.lids": {"who": [PHONE]},
    "presence.set": {"available": True},
    "presence.subscribe": {"to": PHONE},
    "schedules.update": {"name": "eves"},
    "sessions.update": {"name": "eves"},
    "sessions.pair_code": {"phone": PHONE},
    "webhooks.replay": {"since": "2026-01-01T00:00:00Z"},
}


@dataclass(frozen=True)
class World:
    """Organization 1 with one of everything, and callers who must not see it."""

    parts: Parts
    client: Any
    tables: list[object]
    ids: dict[str, str]
    ours: dict[str, str]
    stranger: dict[str, str]  #: a key of organization 2
    limited: dict[str, str]  #: a key of organization 1 for another session


@pytest.fixture
async def world(database: Any, clock: Any, tmp_path: Path, aiohttp_client: Any) -> World:
    folder = DataFolder(tmp_path / "data")
    folder.prepare(FolderKind.PRODUCTION)
    parts = build_parts(config=Config.model_construct(), loopback=None, folder=folder, database=database)
    readiness = Readiness(checks={}, clock=clock)
    client = await aiohttp_client(build_face(parts, readiness))
    await database.write(lambda tx: (add_org(tx, clock), add_org(tx, clock, org_id=2)))
    ids, other_session = await database.write(lambda tx: fill(tx, parts))
    ours = {"X-API-Key": await make_key(parts, org_id=1)}
    await fill_through_the_api(client, ours, ids)
    ids["delivery"] = await database.read(find_delivery)
    return World(
        parts=parts,
        client=client,
        tables=build_tables(parts, readiness),
        ids=ids,
        ours=ours,
        stranger={"X-API-Key": await make_key(parts, org_id=2)},
        limited={"X-API-Key": await make_key(parts, org_id=1, session_ids=[other_session])},
    )


def fill(tx: Tx, parts: Parts) -> tuple[dict[str, str], int]:
    """The rows that nothing over HTTP makes without a phone."""
    webhook, _ = parts.news.webhooks.create(tx, OURS, WebhookDraft(url="https://example.com/hook"))
    session = parts.fleet.sessions.create(tx, OURS, name="line")
    session.paired_at = session.created_at
    other = parts.fleet.sessions.create(tx, OURS, name="other line")
    address = Address(other=Jid.parse("120363000000000001@g.us"))
    group = parts.grouping.groups.take(tx, session, GroupInfo(group=address, subject="ours"))
    key, _ = parts.platform.access.create_key(tx, org_id=1, name="ours")
    ids = {
        "webhook": render_id("whk", webhook.id),
        "session": render_id("ses", session.id),
        "group": render_id("cht", group.chat_id),
        "key": render_id("key", key.id),
    }
    return ids, other.id


async def fill_through_the_api(client: Any, ours: dict[str, str], ids: dict[str, str]) -> None:
    """A message with its chat and its contact, and a file."""
    body = {"session": "line", "to": PHONE, "type": "text", "text": {"body": "hello"}}
    message = await (await client.post("/api/v1/messages", json=body, headers=ours)).json()
    schedule = await (
        await client.post(
            "/api/v1/schedules", json={"message": body, "cron": "0 9 * * *", "time_zone": "UTC"}, headers=ours
        )
    ).json()
    ids["schedule"] = schedule["id"]
    upload = {"Content-Type": "image/png", **ours}
    media = await (await client.post("/api/v1/media", data=PIXEL, headers=upload)).json()
    await client.put("/api/v1/events/consumers/crm", json={}, headers=ours)
    ids["consumer"] = "crm"
    ids |= {"message": message["id"], "chat": message["chat"], "contact": message["contact"], "media": media["id"]}


def find_delivery(tx: Tx) -> str:
    return render_id("dlv", tx.session.scalars(select(WebhookDelivery.id).limit(1)).one())


async def make_key(parts: Parts, **options: Any) -> str:
    _, plaintext = await parts.ground.database.write(
        lambda tx: parts.platform.access.create_key(tx, name="test", **options)
    )
    return plaintext


async def sign_in(parts: Parts, *, org_id: int) -> dict[str, str]:
    accounts = parts.platform.accounts
    await accounts.add_user(org_id=org_id, name="Eve", email="eve@example.com", password=PASSWORD)
    signed_in = await accounts.sign_in(email="eve@example.com", password=PASSWORD, address="127.0.0.1")
    return {"Cookie": f"{parts.platform.cookie.name}={signed_in.token}", **FROM_OUR_PAGE}


def routes_with_ids(world: World) -> list[Route]:
    return [
        route
        for table in world.tables
        for route, _ in routes_of(table)
        if "{" in route.path and route.scope is not None
    ]


def address(route: Route, ids: dict[str, str]) -> str:
    """The route's path with ids of organization 1; ``{id}`` is of what the path begins with."""
    known = ids | OUTSIDE | {"phone_number_id": ids["session"], "media_id": ids["media"]}
    noun = route.path.split("/")[3].removesuffix("s").removeprefix("api-")
    return re.sub(r"\{(\w+)\}", lambda found: known[noun if found[1] == "id" else found[1]], route.path)


async def call(world: World, route: Route, headers: dict[str, str]) -> Any:
    body = {} if route.takes is None else {"json": BODIES.get(route.operation, {})}
    return await world.client.request(route.method, address(route, world.ids), headers=headers, **body)


async def snapshot(world: World) -> dict[str, Any]:
    """Everything of organization 1, as itself sees it."""
    seen = {}
    for noun in ("webhook", "session", "message", "schedule", "chat", "group", "contact", "media"):
        path = f"/api/v1/{noun if noun == 'media' else noun + 's'}/{world.ids[noun]}"
        answer = await world.client.get(path, headers=world.ours)
        assert answer.status == 200, path
        seen[noun] = await answer.json()
    return seen


async def test_every_foreign_id_in_an_address_is_not_found(world: World) -> None:
    before = await snapshot(world)
    signed_in = await sign_in(world.parts, org_id=2)
    routes = [route for route in routes_with_ids(world) if route.operation != "consumers.put"]  # that makes one

    answers = {}
    for route in routes:
        headers = signed_in if route.people_only else world.stranger
        answers[f"{route.method} {route.path}"] = (await call(world, route, headers)).status

    assert len(routes) > 25
    assert answers == dict.fromkeys(answers, 404)
    assert await snapshot(world) == before


async def test_a_key_for_one_session_finds_nothing_of_another(world: World) -> None:
    before = await snapshot(world)
    bound = (
        "/api/v1/sessions/",
        "/api/v1/chats/",
        "/api/v1/messages/",
        "/api/v1/groups/",
        "/cloud/v{version}/{phone_number_id}/",
    )

    answers = {
        f"{route.method} {route.path}": (await call(world, route, world.limited)).status
        for route in routes_with_ids(world)
        if route.path.startswith(bound)
    }

    assert answers == dict.fromkeys(answers, 404)
    assert await snapshot(world) == before


async def test_every_list_of_a_stranger_is_empty(world: World) -> None:
    signed_in = await sign_in(world.parts, org_id=2)

    listed = {}
    for table in world.tables:
        for route, _ in routes_of(table):
            if route.method != "GET" or "{" in route.path or not route.operation.endswith((".list", ".stream")):
                continue
            headers = signed_in if route.people_only else world.stranger
            listed[route.path] = (await (await world.client.get(route.path, headers=headers)).json())["items"]

    # The stranger's own key is theirs to see.
    keys = listed.pop("/api/v1/api-keys")
    events = listed.pop("/api/v1/events")
    assert {"/api/v1/sessions", "/api/v1/messages", "/api/v1/webhooks"} <= set(listed)
    assert [path for path, items in listed.items() if items] == []
    assert world.ids["key"] not in {key["id"] for key in keys}
    assert {event["type"] for event in events} == {"api_key.created"}


@pytest.mark.parametrize(
    "change",
    [
        {"session": "SESSION"},
        {"session": "line"},
        {"to": "CONTACT"},
        {"to": PHONE, "reply_to": "MESSAGE"},
        {"to": PHONE, "type": "image", "text": None, "image": {"media_id": "MEDIA"}},
    ],
)
async def test_a_foreign_id_in_a_body_is_not_found(world: World, change: dict[str, Any]) -> None:
    def make_line(tx: Tx) -> None:
        stranger = Principal(org_id=2, kind=PrincipalKind.SYSTEM, subject_id=None, scopes=EVERYTHING)
        session = world.parts.fleet.sessions.create(tx, stranger, name="eves line")
        session.paired_at = session.created_at

    await world.parts.ground.database.write(make_line)
    body: dict[str, Any] = {"session": "eves line", "to": PHONE, "type": "text", "text": {"body": "hello"}}
    wanted = {name: value for name, value in (body | fill_in(change, world.ids)).items() if value is not None}

    answer = await world.client.post("/api/v1/messages", json=wanted, headers=world.stranger)

    assert answer.status == 404, await answer.text()
    assert (await answer.json())["code"].endswith("_not_found")


def fill_in(change: Any, ids: dict[str, str]) -> Any:
    """The change with its upper-case names replaced by ids of organization 1."""
    if isinstance(change, dict):
        return {name: fill_in(value, ids) for name, value in change.items()}
    return ids.get(change.lower(), change) if isinstance(change, str) and change.isupper() else change


async def test_a_foreign_id_in_a_query_shows_nothing(world: World) -> None:
    filters = ("session={session}", "session=line", "chat={chat}", "contact={contact}")

    for path in ("messages", "chats", "events"):
        for query in filters:
            asked = f"/api/v1/{path}?{query.format(**world.ids)}"
            answer = await world.client.get(asked, headers=world.stranger)
            if answer.status == 200:
                assert (await answer.json())["items"] == [], asked
            else:
                assert answer.status in (404, 422), asked
