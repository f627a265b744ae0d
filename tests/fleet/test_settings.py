"""Settings of sessions: checked, shown without secrets, followed at once or with a new worker."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.fleet.ignoring import is_ignored
from gateway.fleet.proxies import ProxyGuard, ProxyInvalidError, parse_proxy, shown_proxy
from gateway.fleet.settings import merge_settings
from gateway.kit.guard import AddressGuard
from sessions.address import Address, Jid
from sessions.protocol import Proxy
from sessions.proxies import ProxyRefusedError
from tests.fleet.rig import FleetRig
from tests.fleet.test_routes import PHONE, Api, api, client, fleet, parts

__all__ = ["api", "client", "fleet", "parts"]

PUBLIC = "socks5://ada:s3cret-w0rd@93.184.216.34:1080"
SHOWN = "socks5://ada:***@93.184.216.34:1080"


async def test_a_proxy_is_never_shown_with_its_password(api: Api, fleet: FleetRig) -> None:
    made = await api.json("POST", "/sessions", expect=201, json={"name": "shop", "settings": {"proxy": PUBLIC}})
    same = await api.json("PATCH", "/sessions/shop", json={"settings": {"proxy": SHOWN}})
    [row] = await fleet.database.read(fleet.all)

    assert made["settings"]["proxy"] == same["settings"]["proxy"] == SHOWN
    assert b"s3cret" not in (row.proxy or b"")
    spec = fleet.specs.of(row)
    assert spec.proxy is not None
    assert spec.proxy.url == PUBLIC
    assert "s3cret" not in repr(spec)
    gone = await api.json("PATCH", "/sessions/shop", json={"settings": {"proxy": None}})
    assert "proxy" not in gone["settings"]
    [row] = await fleet.database.read(fleet.all)
    assert fleet.specs.of(row).proxy is None


async def test_no_event_tells_the_password_of_a_proxy(api: Api, fleet: FleetRig) -> None:
    made = await api.json("POST", "/sessions", expect=201, json={"name": "shop", "settings": {"proxy": PUBLIC}})
    session = await fleet.database.read(lambda tx: fleet.all(tx)[0])
    events = await fleet.database.read(
        lambda tx: fleet.events.recent_of_session(tx, org_id=1, session_id=session.id, limit=10)
    )

    assert made["id"] in str(events[0].data)
    assert "s3cret" not in str([event.data for event in events])


@pytest.mark.parametrize(
    "proxy",
    [
        "ftp://93.184.216.34:21",
        "http://93.184.216.34",
        "http://93.184.216.34:8080/path",
        "not a url",
        "http://10.0.0.1:8080",
        "socks5://127.0.0.1:1080",
        "http://[::1]:8080",
        "https://169.254.169.254:443",
        "socks5://localhost:1080",
        "http://[::ffff:10.0.0.1]:8080",
    ],
)
async def test_a_proxy_must_be_one_and_must_lie_outside(api: Api, fleet: FleetRig, proxy: str) -> None:
    await fleet.create()

    refused = await api.json("PATCH", "/sessions/shop", expect=422, json={"settings": {"proxy": proxy}})

    assert refused["code"] == "proxy_invalid"
    assert refused["fields"][0]["path"] == "settings.proxy"


async def test_a_proxy_is_judged_again_before_it_is_dialled() -> None:
    guard = ProxyGuard(guard=AddressGuard(ports=range(1, 65_536)))

    with pytest.raises(ProxyRefusedError):
        await guard.ready(Proxy(url="http://localhost:8080"))
    with pytest.raises(ProxyRefusedError):
        await guard.ready(Proxy(url=""))


async def test_a_name_is_dialled_at_the_address_that_was_judged() -> None:
    guard = ProxyGuard(guard=AddressGuard(allow_networks=["127.0.0.0/8", "::1/128"], ports=range(1, 65_536)))

    plain = await guard.ready(Proxy(url="http://ada:pass@localhost:8080"))
    tls = await guard.ready(Proxy(url="https://localhost:8443"))

    assert parse_proxy(plain.url).raw_host in ("127.0.0.1", "::1")
    assert parse_proxy(plain.url).raw_password == "pass"
    assert tls.url == "https://localhost:8443"


def test_a_shown_proxy_keeps_everything_but_the_password() -> None:
    assert shown_proxy("http://a:b@[2606:4700::1]:8080") == "http://a:***@[2606:4700::1]:8080"
    assert shown_proxy("http://example.com:8080") == "http://example.com:8080"
    with pytest.raises(ProxyInvalidError):
        parse_proxy("socks5://example.com")


async def test_what_needs_a_new_worker_makes_one(api: Api, fleet: FleetRig, eventually: Any) -> None:
    session = await fleet.create()
    await fleet.link(session, PHONE, eventually)
    first = await fleet.row(session)

    async def told() -> int:
        return (await fleet.event_types(session)).count("session.status")

    before = await told()

    await api.json("PATCH", "/sessions/shop", json={"settings": {"auto_read": True, "device_name": "desk"}})
    untouched = await fleet.row(session)
    await api.json("PATCH", "/sessions/shop", json={"settings": {"proxy": PUBLIC}})

    async def restarted() -> bool:
        row = await fleet.row(session)
        return row.status == "connected" and await told() >= before + 3

    await eventually(restarted)
    assert untouched.status_at == first.status_at


async def test_metadata_is_told_with_every_event_until_it_is_taken_back(api: Api, fleet: FleetRig) -> None:
    await api.json("POST", "/sessions", expect=201, json={"name": "shop", "settings": {"metadata": {"customer": "7"}}})
    session = await fleet.database.read(lambda tx: fleet.all(tx)[0])

    async def emit() -> None:
        await fleet.database.write(lambda tx: fleet.sessions.announce(tx, session, "session.status"))

    await emit()
    await api.json("PATCH", "/sessions/shop", json={"settings": {"metadata": {"customer": "8"}}})
    await emit()
    await api.json("PATCH", "/sessions/shop", json={"settings": {"metadata": None}})
    await emit()

    events = await fleet.database.read(
        lambda tx: fleet.events.recent_of_session(tx, org_id=1, session_id=session.id, limit=10)
    )
    assert [event.labels for event in reversed(events)] == [
        {"customer": "7"},
        {"customer": "7"},
        {"customer": "8"},
        None,
    ]


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ({"metadata": {"a b": "x"}}, "settings.metadata"),
        ({"metadata": {"a": "x" * 257}}, "settings.metadata.a"),
        ({"ignore": {"chats": ["a b"]}}, "settings.ignore.chats.0"),
        ({"history_days": 0}, "settings.history_days"),
        ({"platform": "toaster"}, "settings.platform"),
        ({"calls": {"text": ""}}, "settings.calls.text"),
        ({"ignore": {"people": True}}, "settings.ignore.people"),
    ],
)
async def test_what_cannot_be_set_is_named(api: Api, settings: dict[str, Any], path: str) -> None:
    refused = await api.json("POST", "/sessions", expect=422, json={"name": "shop", "settings": settings})

    assert refused["fields"][0]["path"] == path


async def test_how_a_phone_lists_the_session_and_what_it_shares_reach_the_engine(fleet: FleetRig) -> None:
    session = await fleet.create(settings={"platform": "desktop", "history_days": 90, "ignore": {"channels": True}})

    spec = fleet.specs.of(session)

    assert (spec.platform, spec.history_days, spec.channel_events) == ("desktop", 90, False)


def test_what_has_parts_is_merged_part_by_part() -> None:
    before = {"ignore": {"groups": True, "status": True}, "metadata": {"a": "1"}, "auto_read": True}

    after = merge_settings(before, {"ignore": {"groups": None}, "metadata": {"b": "2"}, "auto_read": None})

    assert after == {"ignore": {"status": True}, "metadata": {"b": "2"}}


PERSON = Address.of(Jid("4930123456"), Jid("77", "lid"))
GROUP, CHANNEL = Address.of(Jid("1203631", "g.us")), Address.of(Jid("1203632", "newsletter"))
STATUS, LIST = Address.of(Jid("status", "broadcast")), Address.of(Jid("55", "broadcast"))


@pytest.mark.parametrize(
    ("ignore", "ignored"),
    [
        ({"groups": True}, [GROUP]),
        ({"channels": True, "status": True}, [CHANNEL, STATUS]),
        ({"broadcasts": True}, [LIST]),
        ({"chats": ["+4930*"]}, [PERSON]),
        ({"chats": ["77@lid"]}, [PERSON]),
        ({"chats": ["120363*@*"]}, [GROUP, CHANNEL]),
        ({"chats": ["+49"]}, []),
        ({}, []),
    ],
)
def test_chats_are_ignored_by_kind_and_by_pattern(ignore: dict[str, Any], ignored: list[Address]) -> None:
    everybody = [PERSON, GROUP, CHANNEL, STATUS, LIST]

    assert [chat for chat in everybody if is_ignored({"ignore": ignore}, chat)] == ignored
