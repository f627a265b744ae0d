"""The webhooks API: endpoints, secrets, tests, deliveries and replays, as callers use them."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from gateway.kit.ids import render_id

SHOP = render_id("ses", 100)


async def test_creating_shows_the_secret_once(api: Any, receiver: Any) -> None:
    status, made = await api("POST", "", {"url": receiver.url(), "events": ["message.*"], "description": "CRM"})

    assert status == 201
    assert made["secret"].startswith("whsec_")
    assert made["events"] == ["message.*"]
    assert made["sessions"] is None
    assert made["active"] is True

    _, read = await api("GET", f"/{made['id']}")
    _, listed = await api("GET", "")
    assert "secret" not in read
    assert {**read, "secret": made["secret"]} == made
    assert listed == {"items": [read], "next": None}


async def test_neither_secret_nor_headers_can_be_read_in_the_store(api: Any, rig: Any, receiver: Any) -> None:
    _, made = await api("POST", "", {"url": receiver.url(), "headers": {"Authorization": "Bearer canary-value"}})
    canaries = [made["secret"].removeprefix("whsec_").encode(), b"canary-value"]

    row = await rig.database.read(lambda tx: tx.execute(text("SELECT secret, headers FROM webhooks")).one())

    assert all(canary not in bytes(column) for canary in canaries for column in row)


async def test_a_repeat_under_the_same_key_makes_nothing_and_shows_no_secret(api: Any, receiver: Any) -> None:
    body = {"url": receiver.url()}
    _, first = await api("POST", "", body, **{"Idempotency-Key": "make-1"})

    status, again = await api("POST", "", body, **{"Idempotency-Key": "make-1"})

    assert status == 201
    assert again == {**first, "secret": None}
    assert len((await api("GET", ""))[1]["items"]) == 1


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "url"),
        ({"url": "x", "events": []}, "events"),
        ({"url": "x", "events": ["mesage.*"]}, "events.0"),
        ({"url": "x", "events": ["message.*; DROP"]}, "events.0"),
        ({"url": "x", "headers": {"Host": "a"}}, "headers"),
        ({"url": "x", "headers": {"webhook-id": "a"}}, "headers"),
        ({"url": "x", "headers": {"Content-Length": "1"}}, "headers"),
        ({"url": "x", "headers": {"X Y": "a"}}, "headers"),
        ({"url": "x", "headers": {"X-A": "a\r\nX-B: b"}}, "headers"),
        ({"url": "x", "headers": {f"X-{n}": "a" for n in range(21)}}, "headers"),
        ({"url": "x", "sessions": []}, "sessions"),
        ({"url": "x", "colour": "red"}, "colour"),
    ],
)
async def test_wrong_fields_are_named(api: Any, body: Any, path: str) -> None:
    status, problem = await api("POST", "", body)

    assert status == 422
    assert [field["path"] for field in problem["fields"]] == [path]


@pytest.mark.parametrize("url", ["http://10.0.0.1/", "http://user:pw@example.com/", "ftp://x/", "http://[::1]/"])
async def test_an_address_that_may_not_be_called_is_refused_at_once(api: Any, receiver: Any, url: str) -> None:
    status, problem = await api("POST", "", {"url": url})
    assert (status, problem["code"]) == (422, "address_refused")

    _, made = await api("POST", "", {"url": receiver.url()})
    status, problem = await api("PATCH", f"/{made['id']}", {"url": url})
    assert (status, problem["code"]) == (422, "address_refused")


async def test_custom_headers_are_sent_but_never_shown(api: Any, rig: Any, receiver: Any) -> None:
    _, made = await api("POST", "", {"url": receiver.url(), "headers": {"X-Token": "abc"}})
    assert made["header_names"] == ["X-Token"]
    assert "headers" not in made

    await rig.emit()
    await rig.deliverer.settled.wait()

    assert receiver.requests[0].headers["X-Token"] == "abc"


async def test_changes_apply_to_what_waits_already(api: Any, rig: Any, receiver: Any) -> None:
    _, made = await api("POST", "", {"url": receiver.url("/old")})
    receiver.always("/old", 500)
    await rig.emit()
    await rig.deliverer.settled.wait()

    status, changed = await api("PATCH", f"/{made['id']}", {"url": receiver.url("/new")})
    assert (status, changed["url"], changed["pending"]) == (200, receiver.url("/new"), 1)
    await rig.later(10)
    await rig.deliverer.settled.wait()

    assert [request.path for request in receiver.requests] == ["/old", "/new"]


async def test_a_session_filter_lets_only_that_sessions_events_through(api: Any, rig: Any, receiver: Any) -> None:
    _, made = await api("POST", "", {"url": receiver.url(), "sessions": ["shop"]})
    assert made["sessions"] == [SHOP]

    await rig.emit(session_id=101)
    await rig.emit()
    [wanted] = await rig.emit(session_id=100)
    await rig.deliverer.settled.wait()

    assert [request.headers["webhook-id"] for request in receiver.requests] == [render_id("evt", wanted)]


async def test_an_unknown_session_is_not_found(api: Any, receiver: Any) -> None:
    status, problem = await api("POST", "", {"url": receiver.url(), "sessions": ["nowhere"]})

    assert (status, problem["code"]) == (404, "session_not_found")


async def test_a_key_for_one_session_gets_webhooks_for_that_session_only(api: Any, receiver: Any) -> None:
    _, general = await api("POST", "", {"url": receiver.url()})
    _, office = await api("POST", "", {"url": receiver.url(), "sessions": ["office"]})
    status, own = await api("POST", "", {"url": receiver.url()}, caller="shop")

    assert status == 201
    assert own["sessions"] == [SHOP]
    _, listed = await api("GET", "", caller="shop")
    assert [item["id"] for item in listed["items"]] == [own["id"]]
    for hidden in (general, office):
        status, problem = await api("GET", f"/{hidden['id']}", caller="shop")
        assert (status, problem["code"]) == (404, "webhook_not_found")
    status, problem = await api("POST", "", {"url": receiver.url(), "sessions": ["office"]}, caller="shop")
    assert (status, problem["code"]) == (404, "session_not_found")
    _, widened = await api("PATCH", f"/{own['id']}", {"sessions": None}, caller="shop")
    assert widened["sessions"] == [SHOP]


@pytest.mark.parametrize(
    ("method", "rest", "body"),
    [
        ("GET", "", None),
        ("PATCH", "", {"description": "mine now"}),
        ("DELETE", "", None),
        ("POST", "/rotate-secret", None),
        ("POST", "/test", None),
        ("POST", "/replay", {"after": "evt_0000000000001"}),
        ("GET", "/deliveries", None),
        ("GET", "/deliveries/dlv_0000000000001", None),
        ("POST", "/deliveries/dlv_0000000000001/redeliver", None),
    ],
)
async def test_another_organizations_webhook_is_not_there(
    api: Any, receiver: Any, method: str, rest: str, body: Any
) -> None:
    _, made = await api("POST", "", {"url": receiver.url()})

    status, problem = await api(method, f"/{made['id']}{rest}", body, caller="stranger")

    assert (status, problem["code"]) == (404, "webhook_not_found")


async def test_each_operation_needs_its_scope(api: Any, receiver: Any) -> None:
    _, made = await api("POST", "", {"url": receiver.url()})

    assert (await api("GET", f"/{made['id']}", caller="reader"))[0] == 200
    status, problem = await api("DELETE", f"/{made['id']}", caller="reader")
    assert (status, problem["code"]) == (403, "scope_missing")


async def test_a_test_reaches_this_endpoint_only_and_shows_what_came_of_it(api: Any, rig: Any, receiver: Any) -> None:
    _, made = await api("POST", "", {"url": receiver.url("/mine"), "events": ["message.*"]})
    await api("POST", "", {"url": receiver.url("/other")})
    receiver.always("/mine", 418)

    status, delivery = await api("POST", f"/{made['id']}/test")
    assert (status, delivery["event_type"]) == (202, "webhook.test")
    await rig.deliverer.settled.wait()

    _, read = await api("GET", f"/{made['id']}/deliveries/{delivery['id']}")
    assert (read["state"], read["due_at"]) == ("dead", None)
    assert [(attempt["status"], attempt["error"]) for attempt in read["attempts"]] == [(418, "answered_error")]
    assert [request.path for request in receiver.requests] == ["/mine"]


async def test_after_a_rotation_both_secrets_pass_for_a_day(api: Any, rig: Any, receiver: Any) -> None:
    _, made = await api("POST", "", {"url": receiver.url()})

    status, rotated = await api("POST", f"/{made['id']}/rotate-secret")
    assert status == 200
    assert rotated["secret"] != made["secret"]
    await rig.emit()
    await rig.deliverer.settled.wait()
    assert receiver.verified(rotated["secret"])
    assert receiver.verified(made["secret"])

    rig.clock.advance(24 * 3600)
    await rig.emit()
    await rig.deliverer.settled.wait()
    assert len(receiver.requests[-1].headers["webhook-signature"].split()) == 1


async def test_a_dead_delivery_is_listed_and_arrives_when_asked_for_again(api: Any, rig: Any, receiver: Any) -> None:
    _, made = await api("POST", "", {"url": receiver.url()})
    await rig.database.write(
        lambda tx: rig.events.emit(tx, org_id=1, type="contact.created", subject=("con", 1), data={})
    )
    await rig.deliverer.settled.wait()
    await rig.database.write(lambda tx: tx.execute(text("UPDATE webhook_deliveries SET state = 'dead', tries = 10")))

    _, dead = await api("GET", f"/{made['id']}/deliveries?state=dead")
    [delivery] = dead["items"]
    status, queued = await api("POST", f"/{made['id']}/deliveries/{delivery['id']}/redeliver")
    assert (status, queued["state"]) == (202, "pending")
    await rig.deliverer.settled.wait()

    _, read = await api("GET", f"/{made['id']}/deliveries/{delivery['id']}")
    assert read["state"] == "delivered"
    assert [attempt["number"] for attempt in read["attempts"]] == [1, 2]
    assert len({request.headers["webhook-id"] for request in receiver.requests}) == 1


async def test_deliveries_come_in_pages_newest_first(api: Any, rig: Any, receiver: Any) -> None:
    _, made = await api("POST", "", {"url": receiver.url()})
    positions = await rig.emit(5)

    seen, after = [], ""
    while after is not None:
        _, page = await api("GET", f"/{made['id']}/deliveries?limit=2" + (f"&after={after}" if after else ""))
        seen += [item["event"] for item in page["items"]]
        after = page["next"]

    assert seen == [render_id("evt", position) for position in reversed(positions)]


async def test_a_replay_tells_what_never_arrived(api: Any, rig: Any, receiver: Any, eventually: Any) -> None:
    before = await rig.emit(3)
    _, made = await api("POST", "", {"url": receiver.url(), "events": ["contact.*"]})
    during = await rig.emit(2)
    await eventually(lambda: len(receiver.requests) == 2)

    status, done = await api("POST", f"/{made['id']}/replay", {"after": render_id("evt", 0)})

    counted = {"queued": 3, "failed": 0, "missing": 3, "delivered": 0, "dry_run": False, "next": None}
    assert (status, done) == (202, counted)
    await eventually(lambda: len(receiver.requests) == 5)
    ids = [request.headers["webhook-id"] for request in receiver.requests]
    assert sorted(ids[:2]) == [render_id("evt", position) for position in during]
    assert sorted(ids[2:]) == [render_id("evt", position) for position in before]


async def test_a_replay_of_everything_tells_also_what_had_arrived(
    api: Any, rig: Any, receiver: Any, eventually: Any
) -> None:
    _, made = await api("POST", "", {"url": receiver.url()})
    await rig.emit(2)
    await eventually(lambda: len(receiver.requests) == 2)
    moment = rig.clock.now()
    rig.clock.advance(60)
    [late] = await rig.emit()
    for _ in range(3):
        await rig.deliverer.settled.wait()

    body = {"since": (moment).isoformat().replace("+00:00", "Z"), "only": "all"}
    _, everything = await api("POST", f"/{made['id']}/replay", body)
    assert everything["queued"] == 3
    await eventually(lambda: len(receiver.requests) == 6)
    assert receiver.requests[-1].headers["webhook-id"] == render_id("evt", late)


async def test_a_replay_of_everything_needs_one_start(api: Any, receiver: Any) -> None:
    _, made = await api("POST", "", {"url": receiver.url()})

    assert (await api("POST", f"/{made['id']}/replay", {"only": "all"}))[0] == 422
    both = {"since": "2026-01-01T00:00:00Z", "after": "evt_0000000000001"}
    assert (await api("POST", f"/{made['id']}/replay", both))[0] == 422


@pytest.mark.parametrize("rest", ["/test", "/replay"])
async def test_nothing_is_sent_to_a_webhook_that_is_switched_off(api: Any, receiver: Any, rest: str) -> None:
    _, made = await api("POST", "", {"url": receiver.url(), "active": False})
    assert made["state"] == "off"

    status, problem = await api("POST", f"/{made['id']}{rest}", {"after": render_id("evt", 0)} if "r" in rest else None)

    assert (status, problem["code"]) == (409, "webhook_inactive")


async def test_what_waits_while_it_is_switched_off_is_delivered_after(api: Any, rig: Any, receiver: Any) -> None:
    _, made = await api("POST", "", {"url": receiver.url()})
    receiver.answer(500)
    await rig.emit()
    await rig.deliverer.settled.wait()

    await api("PATCH", f"/{made['id']}", {"active": False})
    await rig.later(3600)
    _, off = await api("GET", f"/{made['id']}")
    assert (off["active"], off["pending"]) == (False, 1)
    _, back_on = await api("PATCH", f"/{made['id']}", {"active": True})
    assert (back_on["state"], back_on["failures"]) == ("active", 0)
    await rig.deliverer.settled.wait()

    assert len(receiver.requests) == 2
    assert (await api("GET", f"/{made['id']}"))[1]["pending"] == 0


async def test_deleting_takes_what_waits_along(api: Any, rig: Any, receiver: Any) -> None:
    _, made = await api("POST", "", {"url": receiver.url()})
    receiver.answer(500)
    await rig.emit()
    await rig.deliverer.settled.wait()

    assert (await api("DELETE", f"/{made['id']}")) == (204, None)

    assert (await api("GET", f"/{made['id']}"))[0] == 404
    left = await rig.database.read(lambda tx: tx.execute(text("SELECT count(*) FROM webhook_deliveries")).scalar())
    assert left == 0


async def test_an_organization_has_a_limit(api: Any, rig: Any, receiver: Any) -> None:
    for _ in range(12):
        await rig.endpoint(receiver.url())

    status, problem = await api("POST", "", {"url": receiver.url()})

    assert (status, problem["code"]) == (409, "webhook_limit_reached")
