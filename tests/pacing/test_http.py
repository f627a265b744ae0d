"""Pace and consent over real sockets."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.contacts.consent_routes import ConsentRoutes
from gateway.contacts.routes import ContactRoutes
from gateway.kit.ids import IdGenerator, render_id
from gateway.pacing.outlook import Outlook
from gateway.pacing.routes import PaceRoutes
from gateway.pacing.schemas import PaceOut
from gateway.pacing.settings import Pace
from tests.messages.world import ANNA, BEN, World
from tests.pacing.conftest import NUMBERS, MakeWorld
from tests.serving import ClientFactory, Parts, build_parts

PACE = Pace(per_day=3, first_contacts_per_day=10, warm_up="marketing", warm_up_plan=(1, 5), quiet_hours="21:00-08:00")


@pytest.fixture
async def world(any_world_at: MakeWorld) -> World:
    made = await any_world_at(PACE)
    await made.start()
    return made


@pytest.fixture
def parts(world: World, clock: Any, ids: IdGenerator) -> Parts:
    return build_parts(database=world.database, clock=clock, ids=ids)


@pytest.fixture
async def api(world: World, parts: Parts, aiohttp_client: ClientFactory) -> Any:
    """A client with a key for everything."""
    client = await parts.serve(aiohttp_client, tables=tables_of(world))
    client.session.headers["Authorization"] = f"Bearer {await parts.make_key(scopes=['*'])}"
    return client


def tables_of(world: World) -> list[object]:
    database = world.database
    return [
        ContactRoutes(database=database, contacts=world.contacts),
        ConsentRoutes(database=database, contacts=world.contacts, consents=world.consents),
        PaceRoutes(
            database=database,
            clock=world.clock,
            sessions=world.sessions,
            outlook=Outlook(paces=world.gate.paces),
        ),
    ]


async def ask(api: Any, method: str, path: str, status: int = 200, **more: Any) -> Any:
    response = await api.request(method, f"/api/v1{path}", **more)
    answer = await response.json()
    assert response.status == status, answer
    return answer


async def test_the_pace_of_a_session_tells_counts_caps_and_what_comes_next(api: Any, world: World) -> None:
    entries = [await world.queue(to=number) for number in NUMBERS[:3]]
    for entry in entries:
        await world.when(entry.message.id, "delivered")

    seen = await ask(api, "GET", "/sessions/shop/pace")

    PaceOut.model_validate(seen)
    assert (seen["timezone"], seen["day"]) == ("Europe/Berlin", "2026-03-01")
    assert seen["next_day_at"] == "2026-03-01T23:00:00.000Z"
    assert seen["today"] == {"replies": 0, "awaited": 0, "plain": 3, "marketing": 0, "first_contacts": 3}
    assert seen["caps"]["per_day"] == {"most": 3, "used": 3, "left": 0}
    assert seen["caps"]["first_contacts_per_day"] == {"most": 10, "used": 3, "left": 7}
    assert seen["caps"]["warm_up"] == {"most": 1, "used": 0, "left": 1}
    following = {entry["class"]: entry for entry in seen["next"]}
    assert following["reply"]["reason"] is None
    assert following["plain"]["free_at"] == "2026-03-01T23:00:00.000Z"
    assert following["plain"]["reason"]["code"] == "daily_cap"
    assert seen["settings"]["quiet_hours"] == "21:00-08:00"


async def test_a_key_for_another_session_sees_no_pace(
    world: World, parts: Parts, aiohttp_client: ClientFactory
) -> None:
    other = await world.link("other", "+4915110000008")
    client = await parts.serve(aiohttp_client, tables=tables_of(world))
    key = await parts.make_key(scopes=["*"], session_ids=[other.id])
    client.session.headers["Authorization"] = f"Bearer {key}"

    assert (await ask(client, "GET", "/sessions/shop/pace", 404))["code"] == "session_not_found"
    assert (await ask(client, "GET", "/sessions/other/pace"))["session"] == render_id("ses", other.id)


async def test_opting_out_and_in_leaves_evidence(api: Any, world: World) -> None:
    entry = await world.queue(to=ANNA)
    assert entry.contact is not None
    path = f"/contacts/{render_id('con', entry.contact.id)}"

    out = await ask(api, "POST", f"{path}/opt-out", json={"note": "told us"}, headers={"Idempotency-Key": "once"})
    again = await ask(api, "POST", f"{path}/opt-out", json={"note": "told us"}, headers={"Idempotency-Key": "once"})
    back = await ask(api, "POST", f"{path}/opt-in", json={})
    page = await ask(api, "GET", f"{path}/consents?limit=1")
    rest = await ask(api, "GET", f"{path}/consents?limit=1&after={page['next']}")

    assert out == again
    assert out["opted_out_at"] == "2026-03-01T12:00:00.000Z"
    assert back["opted_out_at"] is None
    assert [item["consent"] for item in page["items"] + rest["items"]] == ["opted_in", "opted_out"]
    assert (rest["items"][0]["note"], rest["items"][0]["source"], rest["next"]) == ("told us", "api", None)
    assert rest["items"][0]["api_key"] is not None
    assert len(await world.told("contact.opted_out", "contact.opted_in")) == 2


async def test_a_contact_can_be_blocked_and_unblocked(api: Any, world: World) -> None:
    entry = await world.queue(to=BEN)
    assert entry.contact is not None
    path = f"/contacts/{render_id('con', entry.contact.id)}"

    assert (await ask(api, "POST", f"{path}/block"))["blocked_at"] is not None
    assert (await ask(api, "POST", f"{path}/unblock"))["blocked_at"] is None
    assert len(await world.told("contact.blocked", "contact.unblocked")) == 2


async def test_a_time_zone_is_checked(api: Any, world: World) -> None:
    entry = await world.queue(to=BEN)
    assert entry.contact is not None
    path = f"/contacts/{render_id('con', entry.contact.id)}"

    wrong = await ask(api, "PATCH", path, 422, json={"timezone": "Berlin"})
    right = await ask(api, "PATCH", path, json={"timezone": "Europe/Berlin"})

    assert wrong["fields"][0]["path"] == "timezone"
    assert (right["timezone"], right["name"]) == ("Europe/Berlin", None)


async def test_strangers_contacts_are_not_found(api: Any) -> None:
    for action in ("opt-out", "opt-in", "block", "unblock"):
        answer = await ask(api, "POST", f"/contacts/{render_id('con', 7)}/{action}", 404, json={})
        assert answer["code"] == "contact_not_found"
    await ask(api, "GET", f"/contacts/{render_id('con', 7)}/consents", 404)
