"""What people do on their phones with themselves, with each other and with channels, over the control API."""

from __future__ import annotations

import pytest

from sessions.sandbox.control.client import ControlError

ANNA, BEN = "15550000001", "15550000002"


async def test_a_person_changes_name_and_about(client):
    changed = await client.profile(ANNA, name="Anna B", about="at work")

    assert (changed["name"], changed["about"]) == ("Anna B", "at work")
    assert (await client.phone(ANNA))["name"] == "Anna B"
    assert await client.profile(ANNA) == changed


async def test_a_person_blocks_another_until_they_do_not(client):
    blocked = await client.block(ANNA, f"+{BEN}")
    unblocked = await client.block(ANNA, BEN, blocks=False)

    assert (blocked["blocked"], unblocked["blocked"]) == ([BEN], [])


async def test_a_channel_is_opened_followed_and_published_in(client):
    channel = await client.create_channel(ANNA, "News", "daily")
    followed = await client.follow(BEN, channel["id"])
    post = await client.publish(ANNA, channel["id"], "hello")
    reacted = await client.react_in_channel(BEN, channel["id"], post["server_id"], "👍")

    assert followed["followers"] == [ANNA, BEN]
    assert (await client.channels())[0]["id"] == channel["id"]
    assert await client.posts(channel["id"]) == [reacted]
    assert (reacted["text"], reacted["reactions"]) == ({"body": "hello"}, {BEN: "👍"})
    assert (await client.follow(BEN, channel["id"], follows=False))["followers"] == [ANNA]


async def test_what_cannot_be_is_refused(client):
    channel = await client.create_channel(ANNA, "News")

    with pytest.raises(ControlError) as stranger:
        await client.publish(BEN, channel["id"], "mine")
    with pytest.raises(ControlError) as nowhere:
        await client.follow(BEN, "120363000000000001@newsletter")
    with pytest.raises(ControlError) as nothing:
        await client.react_in_channel(BEN, channel["id"], 7, "👍")

    found = [(one.value.status, one.value.code) for one in (stranger, nowhere, nothing)]
    assert found == [(409, "not_the_owner"), (404, "channel_unknown"), (404, "message_unknown")]
