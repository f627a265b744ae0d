"""Schedules over real sockets."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from aiohttp import web

from gateway.fleet.models import Session
from gateway.kit.ids import IdGenerator, render_id
from gateway.media.routes import MediaRoutes
from gateway.schedules.render import RunOut, ScheduleOut
from sessions.content import Image
from tests.media.samples import jpeg
from tests.messages.world import ANNA, BEN, PRINCIPAL, World, name_of
from tests.schedules.world import Calendar
from tests.serving import ClientFactory, Parts, build_parts

MESSAGE = {"session": "shop", "to": ANNA, "type": "text", "text": {"body": "Hello"}}
EVERY_DAY = {"message": MESSAGE, "cron": "10 9 * * *", "time_zone": "Europe/Berlin"}
SCHEDULES = "/api/v1/schedules"


@pytest.fixture
def parts(world: World, clock: Any, ids: IdGenerator) -> Parts:
    return build_parts(database=world.database, clock=clock, ids=ids)


@pytest.fixture
async def api(calendar: Calendar, parts: Parts, aiohttp_client: ClientFactory) -> Any:
    world = calendar.world
    media = MediaRoutes(database=world.database, library=world.library, keeper=world.keeper)
    client = await parts.serve(aiohttp_client, tables=[calendar.routes(), media])
    client.session.headers["Authorization"] = f"Bearer {await parts.make_key(scopes=['*'])}"
    return client


async def ask(api: Any, method: str, path: str, status: int = 200, **options: Any) -> Any:
    response = await api.request(method, path, **options)
    answer = await response.json() if response.status != 204 else None
    assert response.status == status, answer
    return answer


async def test_a_schedule_is_made_read_listed_and_deleted(api: Any, world: World) -> None:
    made = await ask(api, "POST", SCHEDULES, 201, json={**EVERY_DAY, "name": "greeting", "count": 5})

    ScheduleOut.model_validate(made)
    assert made["message"] == {key: value for key, value in MESSAGE.items() if key != "session"} | {
        "text": {"body": "Hello", "preview": False},
        "mentions": [],
        "priority": "normal",
    }
    assert (made["state"], made["cron"], made["rrule"], made["count"]) == ("active", "10 9 * * *", None, 5)
    assert (made["next_at"], made["next_local"]) == ("2026-03-02T08:10:00.000Z", "2026-03-02T09:10:00+01:00")
    assert await ask(api, "GET", f"{SCHEDULES}/{made['id']}") == made
    assert (await ask(api, "GET", SCHEDULES, params={"session": "shop", "state": "active"}))["items"] == [made]
    await ask(api, "DELETE", f"{SCHEDULES}/{made['id']}", 204)
    await ask(api, "GET", f"{SCHEDULES}/{made['id']}", 404)
    assert [event.type for event in await world.told("schedule.created", "schedule.ended")] == [
        "schedule.created",
        "schedule.ended",
    ]


async def test_a_list_has_pages(api: Any) -> None:
    made = [(await ask(api, "POST", SCHEDULES, 201, json=EVERY_DAY))["id"] for _ in range(3)]

    first = await ask(api, "GET", SCHEDULES, params={"limit": "2"})
    second = await ask(api, "GET", SCHEDULES, params={"limit": "2", "after": first["next"]})

    assert [item["id"] for item in first["items"] + second["items"]] == made[::-1]
    assert second["next"] is None


async def test_a_preview_shows_what_happens_when_clocks_are_changed(api: Any) -> None:
    rule = {"rrule": "FREQ=DAILY;BYHOUR=2;BYMINUTE=30;BYSECOND=0", "time_zone": "Europe/Berlin"}
    shown = await ask(
        api, "POST", f"{SCHEDULES}/preview", json={**rule, "starts_at": "2026-03-28T00:00:00+01:00", "limit": 2}
    )

    assert shown["times"] == [
        {"at": "2026-03-28T01:30:00.000Z", "local": "2026-03-28T02:30:00+01:00"},
        {"at": "2026-03-29T01:30:00.000Z", "local": "2026-03-29T03:30:00+02:00"},
    ]
    assert (await ask(api, "GET", SCHEDULES))["items"] == []
    assert len((await ask(api, "POST", f"{SCHEDULES}/preview", json=rule))["times"]) == 10


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"cron": None}, "body"),
        ({"rrule": "FREQ=DAILY"}, "body"),
        ({"cron": "0 0 30 2 *"}, "cron"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"ends_at": "2026-02-01T00:00:00Z"}, "ends_at"),
        ({"misfire": "sometimes"}, "misfire"),
        ({"count": 0}, "count"),
        ({"message": MESSAGE | {"to": "12"}}, "message.to"),
        ({"message": MESSAGE | {"send_at": "2026-04-01T00:00:00Z"}}, "message"),
        ({"message": MESSAGE | {"mentions": ["nobody"]}}, "message.mentions.0"),
        ({"message": MESSAGE | {"type": "image", "text": None, "image": {"url": "ftp://example.com/a"}}}, "message"),
        ({"message": MESSAGE | {"type": "image", "text": None, "image": {"base64": "?"}}}, "message.image.base64"),
    ],
)
async def test_what_is_wrong_is_said_at_once_with_its_field(api: Any, change: dict[str, Any], field: str) -> None:
    problem = await ask(api, "POST", SCHEDULES, 422, json=EVERY_DAY | change)

    assert [one["path"] for one in problem["fields"]] == [field]


async def test_a_repeat_under_the_same_key_makes_no_second_schedule(api: Any) -> None:
    headers = {"Idempotency-Key": "greeting"}
    first = await ask(api, "POST", SCHEDULES, 201, json=EVERY_DAY, headers=headers)

    assert await ask(api, "POST", SCHEDULES, 201, json=EVERY_DAY, headers=headers) == first
    assert len((await ask(api, "GET", SCHEDULES))["items"]) == 1


async def test_a_change_of_the_rule_moves_the_next_time(api: Any) -> None:
    made = await ask(api, "POST", SCHEDULES, 201, json=EVERY_DAY)
    path = f"{SCHEDULES}/{made['id']}"

    changed = await ask(api, "PATCH", path, json={"rrule": "FREQ=WEEKLY;BYDAY=MO;BYHOUR=7;BYMINUTE=0;BYSECOND=0"})
    elsewhere = await ask(api, "PATCH", path, json={"time_zone": "America/New_York"})
    renamed = await ask(api, "PATCH", path, json={"name": "weekly", "misfire": "skip"})
    resaid = await ask(api, "PATCH", path, json={"message": MESSAGE | {"to": BEN, "text": {"body": "Bye"}}})

    assert (changed["cron"], changed["next_local"]) == (None, "2026-03-02T07:00:00+01:00")
    assert elsewhere["next_local"] == "2026-03-02T07:00:00-05:00"
    assert (renamed["name"], renamed["misfire"], renamed["next_at"]) == ("weekly", "skip", elsewhere["next_at"])
    assert (resaid["message"]["to"], resaid["message"]["text"]["body"]) == (BEN, "Bye")
    await ask(api, "PATCH", path, 422, json={"cron": "61 * * * *"})
    await ask(api, "PATCH", path, 422, json={"time_zone": None})
    assert await ask(api, "GET", path) == resaid


async def test_a_schedule_that_is_paused_rests_and_goes_on_with_the_next_time(api: Any, calendar: Calendar) -> None:
    made = await ask(api, "POST", SCHEDULES, 201, json=EVERY_DAY)
    path = f"{SCHEDULES}/{made['id']}"

    paused = await ask(api, "POST", f"{path}/pause")
    await calendar.go_to("2026-03-04T20:00:00Z")
    resumed = await ask(api, "POST", f"{path}/resume")

    assert (paused["state"], paused["next_at"]) == ("paused", None)
    assert (resumed["state"], resumed["next_at"]) == ("active", "2026-03-05T08:10:00.000Z")
    assert (resumed["missed"], await calendar.bodies()) == (0, [])


async def test_what_has_ended_cannot_be_changed(api: Any, calendar: Calendar) -> None:
    made = await ask(api, "POST", SCHEDULES, 201, json={**EVERY_DAY, "count": 1})
    path = f"{SCHEDULES}/{made['id']}"
    await calendar.go_to("2026-03-02T08:10:00Z")

    for method, rest in (("PATCH", ""), ("POST", "/pause"), ("POST", "/resume"), ("POST", "/run-now")):
        problem = await ask(api, method, f"{path}{rest}", 409, json={"name": "again"} if method == "PATCH" else None)
        assert problem["code"] == "schedule_ended"
    assert (await ask(api, "GET", path))["reason"] == "finished"


async def test_running_now_sends_one_message_more_and_changes_no_time(api: Any, calendar: Calendar) -> None:
    made = await ask(api, "POST", SCHEDULES, 201, json={**EVERY_DAY, "count": 1})
    path, headers = f"{SCHEDULES}/{made['id']}", {"Idempotency-Key": "now"}

    run = await ask(api, "POST", f"{path}/run-now", 202, headers=headers)
    again = await ask(api, "POST", f"{path}/run-now", 202, headers=headers)

    RunOut.model_validate(run)
    assert run == again
    assert (run["outcome"], run["manual"], run["message"] is None) == ("queued", True, False)
    assert (await ask(api, "GET", f"{path}/runs"))["items"] == [run]
    assert (await ask(api, "GET", path))["next_at"] == made["next_at"]
    await calendar.go_to("2026-03-02T08:10:00Z")
    assert len(await calendar.bodies()) == 2


async def test_a_file_that_came_with_the_request_is_kept_for_every_run(
    api: Any, calendar: Calendar, shop: Session
) -> None:
    image = {"base64": base64.b64encode(jpeg(8, 8)).decode(), "caption": "Look"}
    message = {"session": "shop", "to": ANNA, "type": "image", "image": image}
    made = await ask(api, "POST", SCHEDULES, 201, json={**EVERY_DAY, "message": message})
    world = calendar.world
    await world.start()

    await calendar.go_to("2026-03-02T08:10:00Z")
    await calendar.go_to("2026-03-03T08:10:00Z")
    for entry in await world.all():
        await world.when(entry.message.id, "delivered")

    assert made["message"]["image"].keys() == {"media_id", "caption", "view_once"}
    sent = [envelope.content for envelope, _ in world.engine.sent(name_of(shop))]
    assert [type(content) for content in sent] == [Image, Image]
    assert len({content.file.sha256 for content in sent}) == 1


async def test_a_file_behind_a_url_is_fetched_for_every_run(
    api: Any, calendar: Calendar, aiohttp_server: Any, eventually: Any
) -> None:
    asked = []

    async def picture(request: web.Request) -> web.Response:
        asked.append(request.path)
        if len(asked) == 2:
            return web.Response(status=503)
        return web.Response(body=jpeg(8, 8), content_type="image/jpeg")

    app = web.Application()
    app.router.add_get("/offer.jpg", picture)
    server = await aiohttp_server(app)
    message = {"session": "shop", "to": ANNA, "type": "image", "image": {"url": str(server.make_url("/offer.jpg"))}}
    made = await ask(api, "POST", SCHEDULES, 201, json={**EVERY_DAY, "message": message})

    async def runs(count: int) -> Any:
        await calendar.scheduler.run_once()
        found = (await ask(api, "GET", f"{SCHEDULES}/{made['id']}/runs"))["items"]
        return found if len(found) == count else None

    assert asked == []
    calendar.set_clock("2026-03-02T08:10:00Z")
    await eventually(lambda: runs(1))
    calendar.set_clock("2026-03-03T08:10:00Z")
    await calendar.scheduler.run_once()
    await eventually(lambda: len(asked) == 2)
    calendar.world.advance(31)
    latest, _ = await eventually(lambda: runs(2))

    assert (latest["outcome"], latest["due_at"]) == ("queued", "2026-03-03T08:10:00.000Z")
    assert len(asked) == 3


async def test_a_deleted_session_ends_its_schedules(api: Any, world: World, shop: Session) -> None:
    made = await ask(api, "POST", SCHEDULES, 201, json=EVERY_DAY)

    await world.database.write(lambda tx: world.sessions.remove(tx, world.sessions.get(tx, PRINCIPAL, "shop")))

    found = await ask(api, "GET", f"{SCHEDULES}/{made['id']}")
    assert (found["state"], found["reason"], found["next_at"]) == ("ended", "session_deleted", None)
    assert [event.data["reason"] for event in await world.told("schedule.ended")] == ["session_deleted"]


async def test_a_key_for_one_session_sees_no_other_sessions_schedules(api: Any, world: World, parts: Parts) -> None:
    other = await world.link(name="other", number=BEN)
    mine = await ask(api, "POST", SCHEDULES, 201, json=EVERY_DAY | {"message": MESSAGE | {"session": "other"}})
    theirs = await ask(api, "POST", SCHEDULES, 201, json=EVERY_DAY)
    key = {"Authorization": f"Bearer {await parts.make_key(scopes=['*'], session_ids=[other.id])}"}

    seen = await ask(api, "GET", SCHEDULES, headers=key)

    assert [item["id"] for item in seen["items"]] == [mine["id"]]
    await ask(api, "POST", SCHEDULES, 404, headers=key, json=EVERY_DAY)
    await ask(api, "PATCH", f"{SCHEDULES}/{mine['id']}", 404, headers=key, json={"message": MESSAGE})
    for method, rest in (("GET", ""), ("DELETE", ""), ("POST", "/pause"), ("POST", "/run-now"), ("GET", "/runs")):
        await ask(api, method, f"{SCHEDULES}/{theirs['id']}{rest}", 404, headers=key)


async def test_a_contact_of_nobody_is_not_found(api: Any) -> None:
    stranger = MESSAGE | {"to": render_id("con", 42)}

    assert (await ask(api, "POST", SCHEDULES, 404, json=EVERY_DAY | {"message": stranger}))[
        "code"
    ] == "contact_not_found"
