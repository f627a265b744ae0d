"""Channels as clients ask for them, and as they are told of them."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from sessions.address import Jid
from sessions.sandbox.service import Service
from sessions.sandbox.state.directory import Account
from sessions.sandbox.wire.node import Node
from tests.sandbox.service.companion import Companion

Link = Callable[[Account], Awaitable[Companion]]

INFO, FOLLOWED, CREATE = "6563316087068696", "6388546374527196", "6234210096708695"
FOLLOW, UNFOLLOW, MUTE, SET_ABOUT = "9926858900719341", "6392786840836363", "6274038279359549", "9152604461510864"


@pytest.fixture
async def owner(ana: Account, linked: Link) -> Companion:
    return await linked(ana)


@pytest.fixture
async def reader(ben: Account, linked: Link) -> Companion:
    return await linked(ben)


async def mex(client: Companion, number: str, **variables: Any) -> dict[str, Any]:
    body = json.dumps({"variables": variables}).encode()
    reply = await client.ask("get", "w:mex", Node("query", {"query_id": number}, body))
    return dict(json.loads(reply.require("result").data))


async def create(client: Companion, name: str = "News") -> Jid:
    await client.ask("set", "tos", Node("notice", {"id": "20601218", "stage": "5"}))
    made = await mex(client, CREATE, newsletter_input={"name": name, "description": "daily"})
    return Jid.parse(made["data"]["xwa2_newsletter_create"]["id"])


async def post(client: Companion, channel: Jid, number: str, body: bytes = b"\n\x05hello") -> Node:
    message = Node("message", {"to": channel, "id": number, "type": "text"}, [Node("plaintext", {}, body)])
    await client.service.dispatch(client, message)
    return await client.wait(lambda node: node.tag == "ack" and node.text("id") == number)


async def test_nobody_opens_a_channel_before_the_terms_are_accepted(owner: Companion) -> None:
    refused = await mex(owner, CREATE, newsletter_input={"name": "News"})

    assert refused["errors"][0]["extensions"]["error_code"] == 403
    assert (await create(owner)).server == "newsletter"


async def test_a_channel_is_found_by_address_and_by_invite(owner: Companion, reader: Companion) -> None:
    channel = await create(owner)

    mine = await mex(owner, INFO, input={"key": str(channel), "type": "JID"}, fetch_viewer_metadata=True)
    invite = mine["data"]["xwa2_newsletter"]["thread_metadata"]["invite"]
    theirs = await mex(reader, INFO, input={"key": invite, "type": "INVITE"}, fetch_viewer_metadata=False)
    nothing = await mex(reader, INFO, input={"key": "none", "type": "INVITE"}, fetch_viewer_metadata=False)

    assert mine["data"]["xwa2_newsletter"]["viewer_metadata"] == {"mute": "OFF", "role": "OWNER"}
    assert theirs["data"]["xwa2_newsletter"]["id"] == str(channel)
    assert theirs["data"]["xwa2_newsletter"]["viewer_metadata"] is None
    assert nothing["errors"][0]["extensions"]["error_code"] == 404


async def test_a_post_reaches_followers_and_is_listed(owner: Companion, reader: Companion) -> None:
    channel = await create(owner)
    await mex(reader, FOLLOW, newsletter_id=str(channel))

    answer = await post(owner, channel, "P1")

    arrived = await reader.wait(lambda node: node.tag == "message")
    assert (arrived.jid("from"), arrived.text("server_id")) == (channel, answer.text("server_id"))
    assert arrived.require("plaintext").data == b"\n\x05hello"
    listed = await reader.ask("get", "newsletter", Node("messages", {"type": "jid", "jid": channel, "count": 5}))
    assert [node.text("id") for node in listed.require("messages").children] == ["P1"]


async def test_only_the_owner_posts(owner: Companion, reader: Companion) -> None:
    channel = await create(owner)
    await mex(reader, FOLLOW, newsletter_id=str(channel))

    assert (await post(reader, channel, "P1")).text("error") == "403"


async def test_views_and_reactions_are_counted_once_and_told_to_those_who_look_on(
    owner: Companion, reader: Companion
) -> None:
    channel = await create(owner)
    await mex(reader, FOLLOW, newsletter_id=str(channel))
    number = (await post(owner, channel, "P1")).text("server_id")
    live = await owner.ask("set", "newsletter", Node("live_updates"), to=channel)

    items = [Node("item", {"server_id": number})]
    view = Node("receipt", {"to": channel, "type": "view", "id": "V1"}, [Node("list", {}, items)])
    for _ in range(2):
        await reader.service.dispatch(reader, view)
    attrs = {"to": channel, "id": "R1", "server_id": number, "type": "reaction"}
    await reader.service.dispatch(reader, Node("message", {**attrs}, [Node("reaction", {"code": "👍"})]))

    assert live.require("live_updates").text("duration") == "300"
    told = await owner.wait(lambda node: node.child("live_updates", "message", "reactions") is not None)
    assert told.require("live_updates", "message", "views_count").text("count") == "1"
    updates = await owner.ask("get", "newsletter", Node("message_updates", {"count": 5}), to=channel)
    (counted,) = updates.require("message_updates", "messages").children
    assert counted.require("reactions", "reaction").text("code") == "👍"


async def test_the_other_devices_of_an_account_hear_what_one_does(
    owner: Companion, reader: Companion, ben: Account, linked: Link
) -> None:
    channel, second = await create(owner), await linked(ben)

    for number in (FOLLOW, MUTE, UNFOLLOW):
        await mex(reader, number, newsletter_id=str(channel))

    await second.wait(lambda node: node.text("type") == "mex" and b"on_leave" in node.require("update").data)
    told = [
        json.loads(node.require("update").data)["data"] for node in second.all("notification") if node.child("update")
    ]
    assert [next(iter(data)) for data in told] == [
        "xwa2_notify_newsletter_on_join",
        "xwa2_notify_newsletter_on_mute_change",
        "xwa2_notify_newsletter_on_leave",
    ]
    assert (await mex(reader, FOLLOWED))["data"] == {"xwa2_newsletter_subscribed": []}


async def test_channels_and_posts_survive_a_restart(
    service: Service, owner: Companion, open_service: Callable[[], Service]
) -> None:
    channel = await create(owner)
    await post(owner, channel, "P1")

    again = open_service()

    found = again.newsletters.book.get(channel)
    assert found is not None
    assert [kept.id for kept in found.newest(5)] == ["P1"]
    await again.close()
    again.store.close()


async def test_a_numbered_question_that_nobody_knows_is_recorded(service: Service, owner: Companion) -> None:
    reply = await owner.ask("get", "w:mex", Node("query", {"query_id": "42"}, b'{"variables": {}}'))

    assert reply.require("error").text("code") == "501"
    assert service.unknown_iqs.pop() == "get w:mex 42"


async def test_an_about_text_is_set_in_the_new_way_too(owner: Companion, reader: Companion, ana: Account) -> None:
    await reader.ask("get", "usync", usync(Node("devices", {"version": "2"}), ana))

    await mex(owner, SET_ABOUT, input={"text": "at work", "ephemeral_duration_sec": 0})

    assert ana.record.about == "at work"
    told = await reader.wait(lambda node: node.text("type") == "status")
    assert told.require("set").data == b"at work"


async def test_what_somebody_hides_is_not_shown(owner: Companion, reader: Companion, ana: Account) -> None:
    hide = [Node("category", {"name": name, "value": "none"}) for name in ("status", "profile")]
    await owner.ask("set", "privacy", Node("privacy", {}, hide))

    seen = await reader.ask("get", "usync", usync(Node("status"), ana))
    picture = await reader.ask("get", "w:profile:picture", Node("picture", {"type": "image"}), target=ana.pn)

    assert seen.require("usync", "list", "user", "status").text("code") == "401"
    assert picture.require("error").text("code") == "401"


def usync(protocol: Node, about: Account) -> Node:
    users = Node("list", {}, [Node("user", {"jid": about.pn})])
    return Node("usync", {"sid": "1", "mode": "query"}, [Node("query", {}, [protocol]), users])
