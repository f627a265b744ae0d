"""The sessions API over real sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.fleet.pairing_routes import PairingRoutes
from gateway.fleet.routes import SessionRoutes
from gateway.kit.ids import IdGenerator
from tests.fleet.rig import FleetRig, build_rig
from tests.serving import ClientFactory, Parts, build_parts

PHONE = "+15550100001"


@pytest.fixture
def parts(database: Any, org: Any, clock: Any, ids: IdGenerator) -> Parts:
    return build_parts(database=database, clock=clock, ids=ids)


@pytest.fixture
async def fleet(parts: Parts, ids: IdGenerator, tmp_path: Path) -> AsyncIterator[FleetRig]:
    rig = build_rig(database=parts.database, clock=parts.clock, ids=ids, folder=tmp_path, events=parts.events)
    await rig.reconciler.start()
    yield rig
    await rig.desk.stop()
    await rig.reconciler.stop()
    await rig.engine.stop()


class Api:
    """A caller with a key."""

    def __init__(self, client: Any, key: str) -> None:
        self._client = client
        self._key = key

    async def ask(self, method: str, path: str, *, accept: str = "application/json", **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {self._key}", "Accept": accept, **more.pop("headers", {})}
        return await self._client.request(method, f"/api/v1{path}", headers=headers, **more)

    async def json(self, method: str, path: str, *, expect: int = 200, **more: Any) -> Any:
        answer = await self.ask(method, path, **more)
        body = await answer.json()
        assert answer.status == expect, body
        return body


@pytest.fixture
async def client(parts: Parts, fleet: FleetRig, aiohttp_client: ClientFactory) -> Any:
    tables = [
        SessionRoutes(
            database=fleet.database,
            sessions=fleet.sessions,
            lifecycle=fleet.lifecycle,
            engine=fleet.engine,
            specs=fleet.specs,
            seals=fleet.seals,
            proxies=fleet.proxies,
        ),
        PairingRoutes(
            database=fleet.database,
            sessions=fleet.sessions,
            desk=fleet.desk,
            links=fleet.links,
            artist=fleet.artist,
            public_url=None,
            link_seconds=3600,
        ),
    ]
    return await parts.serve(aiohttp_client, tables=tables)


@pytest.fixture
async def api(parts: Parts, client: Any) -> Api:
    return Api(client, await parts.make_key())


async def test_a_new_session_can_be_read_by_id_and_by_name(api: Api) -> None:
    made = await api.json("POST", "/sessions", expect=201, json={"name": "shop"})

    by_id = await api.json("GET", f"/sessions/{made['id']}")
    by_name = await api.json("GET", "/sessions/shop")

    assert made["status"] == "stopped"
    assert not made["paired"]
    assert by_id == by_name
    assert by_id["reasons"] == []
    assert "send.text" in by_id["capabilities"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "ses_000000000001a"}, "name"),
        ({"name": "a b"}, "name"),
        ({"name": "shop", "expected_phone": "12"}, "expected_phone"),
        ({"name": "shop", "settings": {"history": "some"}}, "settings.history"),
        ({"name": "shop", "colour": "red"}, "colour"),
    ],
)
async def test_what_is_wrong_with_a_new_session_is_told_by_field(api: Api, body: Any, field: str) -> None:
    problem = await api.json("POST", "/sessions", expect=422, json=body)

    assert [entry["path"] for entry in problem["fields"]] == [field]


async def test_a_name_in_use_is_a_conflict(api: Api) -> None:
    await api.json("POST", "/sessions", expect=201, json={"name": "shop"})

    problem = await api.json("POST", "/sessions", expect=409, json={"name": "shop"})

    assert problem["code"] == "session_name_taken"


async def test_creating_twice_with_one_idempotency_key_makes_one_session(api: Api) -> None:
    headers = {"Idempotency-Key": "create-1"}

    first = await api.json("POST", "/sessions", expect=201, json={"name": "shop"}, headers=headers)
    second = await api.json("POST", "/sessions", expect=201, json={"name": "shop"}, headers=headers)

    assert first == second


async def test_lists_come_in_pages_and_by_status(api: Api, fleet: FleetRig, eventually: Any) -> None:
    for name in ("a", "b", "c"):
        await fleet.link(await fleet.create(name), f"+1555010000{ord(name) - 96}", eventually)
    await api.json("POST", "/sessions", expect=201, json={"name": "d"})

    first = await api.json("GET", "/sessions?limit=3")
    second = await api.json("GET", f"/sessions?limit=3&after={first['next']}")
    connected = await api.json("GET", "/sessions?status=connected")

    assert [item["name"] for item in first["items"] + second["items"]] == ["a", "b", "c", "d"]
    assert second["next"] is None
    assert [item["name"] for item in connected["items"]] == ["a", "b", "c"]


async def test_an_unknown_session_is_not_found(api: Api) -> None:
    for path in ("/sessions/nobody", "/sessions/ses_000000000001a", "/sessions/nobody/qr"):
        assert (await api.json("GET", path, expect=404))["code"] == "session_not_found"


async def test_a_key_limited_to_one_session_sees_no_other(api: Api, parts: Parts, client: Any, fleet: FleetRig) -> None:
    mine = await fleet.create("mine")
    await fleet.create("other")
    limited = Api(client, await parts.make_key(session_ids=[mine.id]))

    listed = await limited.json("GET", "/sessions")

    assert [item["name"] for item in listed["items"]] == ["mine"]
    assert (await limited.json("GET", "/sessions/other", expect=404))["code"] == "session_not_found"


async def test_renaming_and_settings_change_only_what_is_given(api: Api) -> None:
    made = await api.json("POST", "/sessions", expect=201, json={"name": "shop", "settings": {"device_name": "Till"}})

    changed = await api.json("PATCH", "/sessions/shop", json={"name": "store", "settings": {"history": "none"}})

    assert changed["id"] == made["id"]
    assert changed["name"] == "store"
    assert changed["settings"] == {"device_name": "Till", "history": "none"}


async def test_a_setting_that_is_null_goes_back_to_the_default(api: Api, fleet: FleetRig, eventually: Any) -> None:
    made = {"name": "shop", "settings": {"device_name": "Till", "history": "none"}}
    await api.json("POST", "/sessions", expect=201, json=made)

    changed = await api.json("PATCH", "/sessions/shop", json={"settings": {"history": None}})
    session = (await fleet.database.read(lambda tx: fleet.all(tx)))[0]
    spec = fleet.specs.of(session)

    assert changed["settings"] == {"device_name": "Till"}
    assert (spec.device_name, spec.history) == ("Till", "recent")


@pytest.mark.parametrize(
    ("accept", "content_type", "start"),
    [
        ("image/png", "image/png", b"\x89PNG\r\n\x1a\n"),
        ("image/svg+xml", "image/svg+xml", b"<svg "),
        ("text/plain", "text/plain", "█".encode()),
        ("application/json", "application/json", b"{"),
        ("*/*", "application/json", b"{"),
        ("text/html;q=0.9, image/png;q=0.5, image/svg+xml;q=0.7", "image/svg+xml", b"<svg "),
    ],
)
async def test_the_qr_code_comes_in_the_form_asked_for(
    api: Api, fleet: FleetRig, accept: str, content_type: str, start: bytes
) -> None:
    await fleet.create()

    answer = await api.ask("GET", "/sessions/shop/qr", accept=accept)

    assert answer.status == 200
    assert answer.content_type == content_type
    assert (await answer.read()).startswith(start)
    assert answer.headers["Cache-Control"] == "no-store"


async def test_the_qr_code_as_json_can_be_scanned(api: Api, fleet: FleetRig, eventually: Any) -> None:
    session = await fleet.create()

    shown = await api.json("GET", "/sessions/shop/qr")
    fleet.engine.scan(shown["code"], PHONE)
    await fleet.until(session, "connected", eventually)

    assert shown["svg"].startswith("<svg")
    assert shown["valid_seconds"] > 0
    await eventually(lambda: not fleet.desk.is_open(session.id))
    assert (await api.json("GET", "/sessions/shop/qr", expect=409))["code"] == "session_already_paired"
    read = await api.json("GET", "/sessions/shop")
    assert read["phone"] == PHONE
    assert read["jid"] == "15550100001:1@s.whatsapp.net"
    assert read["lid"].endswith("@lid")


async def test_a_form_of_the_qr_code_that_does_not_exist_is_refused(api: Api, fleet: FleetRig) -> None:
    await fleet.create()

    problem = await api.json("GET", "/sessions/shop/qr", expect=406, accept="image/webp")

    assert problem["code"] == "not_acceptable"


async def test_a_code_for_the_phone_is_given_for_numbers_only(api: Api, fleet: FleetRig) -> None:
    await fleet.create()

    given = await api.json("POST", "/sessions/shop/pair-code", json={"phone": "1 555 010-0001"})
    refused = await api.json("POST", "/sessions/shop/pair-code", expect=422, json={"phone": "call me"})

    assert len(given["code"]) == 9
    assert given["code"][4] == "-"
    assert refused["fields"][0]["path"] == "phone"


async def test_a_pairing_link_names_this_gateway_and_can_be_withdrawn(api: Api, fleet: FleetRig) -> None:
    await fleet.create()

    link = await api.json("POST", "/sessions/shop/pairing-links", expect=201, json={"valid_seconds": 600})
    token = link["url"].rpartition("/")[2]
    _, session = await fleet.database.read(lambda tx: fleet.links.open(tx, token))
    await api.ask("DELETE", "/sessions/shop/pairing-links")

    assert "/pair/" in link["url"]
    assert len(token) >= 43
    assert session.name == "shop"
    with pytest.raises(Exception, match="withdrawn"):
        await fleet.database.read(lambda tx: fleet.links.open(tx, token))


async def test_start_stop_and_restart_say_what_is_wanted(api: Api, fleet: FleetRig, eventually: Any) -> None:
    session = await fleet.create()
    unpaired = await api.json("POST", "/sessions/shop/start", expect=409)
    await fleet.link(session, PHONE, eventually)

    stopping = await api.json("POST", "/sessions/shop/stop", expect=202)
    await fleet.until(session, "stopped", eventually)
    starting = await api.json("POST", "/sessions/shop/start", expect=202)
    await fleet.until(session, "connected", eventually)
    await api.json("POST", "/sessions/shop/restart", expect=202)
    await fleet.until(session, "connected", eventually)

    assert unpaired["code"] == "session_not_paired"
    assert stopping["desired"] == "stop"
    assert starting["desired"] == "run"
    assert starting["status"] == "starting"


async def test_logging_out_ends_the_link_and_says_why(api: Api, fleet: FleetRig, eventually: Any) -> None:
    session = await fleet.create()
    await fleet.link(session, PHONE, eventually)

    after = await api.json("POST", "/sessions/shop/logout")
    again = await api.json("POST", "/sessions/shop/logout", expect=409)

    assert after["status"] == "logged_out"
    assert after["reason"]["code"] == "unlinked_here"
    assert "QR" in after["reason"]["sentence"]
    assert again["code"] == "session_not_paired"


async def test_a_deleted_session_is_gone(api: Api, fleet: FleetRig) -> None:
    await fleet.create()

    assert (await api.ask("DELETE", "/sessions/shop")).status == 204
    assert (await api.ask("GET", "/sessions/shop")).status == 404
    assert (await api.json("GET", "/sessions"))["items"] == []


async def test_the_pace_is_changed_key_by_key_and_checked(api: Api) -> None:
    await api.json("POST", "/sessions", expect=201, json={"name": "paced", "settings": {"pace": {"per_day": 50}}})

    changed = await api.json("PATCH", "/sessions/paced", json={"settings": {"pace": {"quiet_hours": "22:00-07:00"}}})
    wrong = await api.json(
        "PATCH", "/sessions/paced", expect=422, json={"settings": {"pace": {"quiet_hours": "at night"}}}
    )
    back = await api.json("PATCH", "/sessions/paced", json={"settings": {"pace": None}})

    assert changed["settings"]["pace"] == {"per_day": 50, "quiet_hours": "22:00-07:00"}
    assert wrong["fields"][0]["path"] == "settings.pace.quiet_hours"
    assert "pace" not in back["settings"]
