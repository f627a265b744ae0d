"""Channels over real sockets, with the engine in memory."""

from __future__ import annotations

from gateway.fleet.models import Session
from gateway.fleet.render import session_id
from sessions.channels import Post
from sessions.content import Text
from sessions.events import ChannelJoined, ChannelLeft, ChannelMuted, ChannelUpdated, PrivacyChanged
from tests.fleet.rig import FleetRig
from tests.fleet.test_routes import Api
from tests.profiles.conftest import Told

OTHER = "+15550100009"
BASE = "/sessions/shop/channels"


async def test_a_channel_is_opened_once_and_listed(api: Api, shop: Session) -> None:
    body, headers = {"name": "News", "description": "daily"}, {"Idempotency-Key": "open-1"}
    made = await api.json("POST", BASE, expect=201, json=body, headers=headers)
    again = await api.json("POST", BASE, expect=201, json=body, headers=headers)

    assert again == made
    assert (made["name"], made["role"], made["subscribers"], made["muted"]) == ("News", "owner", 1, False)
    assert (await api.json("GET", BASE))["items"] == [made]
    assert await api.json("GET", f"{BASE}/{made['id']}") == made
    invited = await api.json("GET", f"/sessions/shop/channel-invites/{made['invite']}")
    assert (invited["id"], invited["role"]) == (made["id"], None)


async def test_a_channel_is_followed_muted_and_left(api: Api, shop: Session, fleet: FleetRig) -> None:
    number = fleet.engine.open_channel(OTHER, "News").address.primary.user

    assert (await api.ask("PUT", f"{BASE}/{number}/follow")).status == 204
    assert (await api.ask("PUT", f"{BASE}/{number}/mute")).status == 204
    followed = await api.json("GET", f"{BASE}/{number}")
    assert (await api.ask("DELETE", f"{BASE}/{number}/mute")).status == 204
    assert (await api.ask("DELETE", f"{BASE}/{number}/follow")).status == 204
    left = await api.json("GET", f"{BASE}/{number}")

    assert (followed["role"], followed["muted"]) == ("subscriber", True)
    assert (left["role"], left["muted"]) == ("guest", False)


async def test_posts_are_paged_and_reacted_to(api: Api, shop: Session, fleet: FleetRig) -> None:
    channel = fleet.engine.open_channel(OTHER, "News").address
    posts = [fleet.engine.publish(channel, Text(body=body)) for body in ("one", "two", "three")]
    base = f"{BASE}/{channel.primary}"

    first = await api.json("GET", f"{base}/messages?limit=2")
    second = await api.json("GET", f"{base}/messages?limit=2&before={first['next']}")
    await api.ask("PUT", f"{base}/messages/{posts[2].server_id}/reaction", json={"emoji": "👍"})
    seen = await api.ask("POST", f"{base}/viewed", json={"server_ids": [posts[2].server_id]})
    beyond = await api.json("POST", f"{base}/viewed", expect=501, json={"server_ids": [256]})
    live = await api.json("POST", f"{base}/live")

    assert [post["text"] for post in first["items"]] == ["three", "two"]
    assert [post["text"] for post in second["items"]] == ["one"]
    assert second["next"] is None
    assert (await api.json("GET", f"{base}/messages?limit=1"))["items"][0]["reactions"] == {"👍": 1}
    assert seen.status == 204
    assert beyond["code"] == "engine_unsupported"
    assert live == {"seconds": 300.0}


async def test_a_channel_that_is_not_there_is_not_found(api: Api, shop: Session) -> None:
    for method, path in (
        ("GET", f"{BASE}/120363000000000001"),
        ("GET", f"{BASE}/15550100001@s.whatsapp.net"),
        ("GET", f"{BASE}/news"),
        ("PUT", f"{BASE}/120363000000000001/follow"),
        ("GET", f"{BASE}/120363000000000001/messages"),
        ("GET", "/sessions/shop/channel-invites/nothing"),
    ):
        assert (await api.json(method, path, expect=404))["code"] == "channel_not_found"


async def test_what_the_phone_does_with_channels_is_told(shop: Session, fleet: FleetRig, told: Told) -> None:
    channel, name = fleet.engine.open_channel(OTHER, "News"), session_id(shop)
    address = channel.address

    for fact in (
        ChannelJoined(channel=channel),
        ChannelMuted(channel=address, muted=True),
        ChannelUpdated(channel=address, posts=(Post(server_id=7, views=3, reactions={"👍": 2}),)),
        ChannelLeft(channel=address),
    ):
        fleet.engine.report(name, fact)

    assert await told.one("channel.left") == {"id": str(address.primary)}
    assert (await told.one("channel.joined"))["name"] == "News"
    assert (await told.one("channel.muted"))["muted"] is True
    [post] = (await told.one("channel.updated"))["posts"]
    assert (post["server_id"], post["views"], post["reactions"], post["text"]) == (7, 3, {"👍": 2}, None)


async def test_nobody_is_told_of_channels_that_a_session_ignores(shop: Session, fleet: FleetRig, told: Told) -> None:
    channel, name = fleet.engine.open_channel(OTHER, "News"), session_id(shop)
    await fleet.change(
        shop, lambda tx, session: fleet.sessions.change_settings(tx, session, {"ignore": {"channels": True}})
    )

    fleet.engine.report(name, ChannelJoined(channel=channel))
    fleet.engine.report(name, PrivacyChanged(changed=("about",)))

    await told.one("privacy.changed")
    assert "channel.joined" not in await fleet.event_types(shop)
