"""The linked account, other people and channels, as every engine knows them: the one in memory and the real one."""

from __future__ import annotations

from pathlib import Path

import pytest

from sessions.address import Address, Jid
from sessions.commands.account import (
    BlocklistFound,
    FetchBlocklist,
    FetchPeople,
    FetchPrivacy,
    LookUpNames,
    NamesFound,
    PeopleFound,
    PictureSet,
    PrivacyFound,
    SetAbout,
    SetBlocked,
    SetName,
    SetPicture,
    SetPrivacy,
)
from sessions.commands.base import Done
from sessions.commands.channels import (
    ChannelFound,
    ChannelsFound,
    ChannelWatched,
    CreateChannel,
    FetchChannel,
    FetchChannels,
    FetchPosts,
    FollowChannel,
    MuteChannel,
    PostsFound,
    ReactToPost,
    ViewPosts,
    WatchChannel,
)
from sessions.content import Text
from sessions.errors import EngineUnsupportedError, InvalidRequestError, RecipientUnknownError
from sessions.events import (
    BlocklistChanged,
    ChannelJoined,
    ChannelLeft,
    ChannelMuted,
    ChannelUpdated,
    MessageReceived,
    PictureChanged,
    PrivacyChanged,
)
from sessions.sandbox.phones.reading import E2E
from sessions.sandbox.traffic.newsletters import new_post_id
from sessions.sandbox.wire.node import Node
from tests.engine.worlds import RealWorld, World, link, spec_for

pytestmark = pytest.mark.long

JPEG = b"\xff\xd8\xff\xe0 a picture"


def person(number: str) -> Address:
    return Address.of(Jid.from_phone(number))


async def test_an_about_text_is_set_and_read_by_others(world: World, tmp_path: Path) -> None:
    number, other = await world.phone("Ana"), await world.phone("Ben")
    first, second = spec_for(tmp_path, "ses_1"), spec_for(tmp_path, "ses_2")
    await link(world, first, number)
    await link(world, second, other)

    assert await world.engine.call("ses_1", SetAbout(about="at work")) == Done()

    found = await world.engine.call("ses_2", FetchPeople(who=(person(number),)))
    assert isinstance(found, PeopleFound)
    [seen] = found.people
    assert (seen.about, seen.address.phone) == ("at work", number)
    assert seen.address.lid is not None
    assert 0 in seen.devices


async def test_a_picture_must_be_a_jpeg(world: World, tmp_path: Path) -> None:
    number = await world.phone("Ana")
    await link(world, spec_for(tmp_path), number)

    made = await world.engine.call("ses_1", SetPicture(jpeg=JPEG))

    assert isinstance(made, PictureSet)
    assert made.picture_id
    found = await world.engine.call("ses_1", FetchPeople(who=(person(number),)))
    assert isinstance(found, PeopleFound)
    assert found.people[0].picture_id == made.picture_id
    with pytest.raises(InvalidRequestError):
        await world.engine.call("ses_1", SetPicture(jpeg=b"GIF89a"))


async def test_privacy_is_read_and_changed(world: World, tmp_path: Path) -> None:
    await link(world, spec_for(tmp_path), await world.phone("Ana"))

    before = await world.engine.call("ses_1", FetchPrivacy())
    changed = await world.engine.call("ses_1", SetPrivacy(name="last_seen", value="none"))
    after = await world.engine.call("ses_1", FetchPrivacy())

    assert isinstance(before, PrivacyFound)
    assert isinstance(after, PrivacyFound)
    assert set(before.settings) == {
        "last_seen", "online", "about", "picture", "read_receipts", "groups", "calls",
    }  # fmt: skip
    assert changed == after == PrivacyFound(settings={**before.settings, "last_seen": "none"})


async def test_people_are_blocked_until_they_are_not(world: World, tmp_path: Path) -> None:
    await link(world, spec_for(tmp_path), await world.phone("Ana"))
    other = await world.phone("Ben")

    blocked = await world.engine.call("ses_1", SetBlocked(who=person(other), blocked=True))
    listed = await world.engine.call("ses_1", FetchBlocklist())
    unblocked = await world.engine.call("ses_1", SetBlocked(who=person(other), blocked=False))

    assert isinstance(blocked, BlocklistFound)
    assert [one.phone for one in blocked.people] == [other]
    assert listed == blocked
    assert unblocked == BlocklistFound(people=())
    with pytest.raises((RecipientUnknownError, InvalidRequestError)):
        await world.engine.call("ses_1", SetBlocked(who=person("+15550009999"), blocked=True))


async def test_both_names_of_many_people_are_found_at_once(world: World, tmp_path: Path) -> None:
    await link(world, spec_for(tmp_path), await world.phone("Ana"))
    known, nobody = await world.phone("Ben"), "+15550009998"

    found = await world.engine.call("ses_1", LookUpNames(who=(person(known), person(nobody)), ask=True))

    assert isinstance(found, NamesFound)
    assert [who.phone for who in found.people] == [known, nobody]
    assert [who.lid is not None for who in found.people] == [True, False]
    lid = Address.of(found.people[0].lid)
    back = await world.engine.call("ses_1", LookUpNames(who=(lid,)))
    assert back == NamesFound(people=(found.people[0],))


async def test_a_channel_is_opened_followed_muted_and_left(world: World, tmp_path: Path) -> None:
    await link(world, spec_for(tmp_path, "ses_1"), await world.phone("Ana"))
    await link(world, spec_for(tmp_path, "ses_2"), await world.phone("Ben"))

    made = await world.engine.call("ses_1", CreateChannel(name="News", description="daily"))
    assert isinstance(made, ChannelFound)
    channel = made.channel.address
    invited = await world.engine.call("ses_2", FetchChannel(invite=made.channel.invite))
    await world.engine.call("ses_2", FollowChannel(channel=channel))
    await world.engine.call("ses_2", MuteChannel(channel=channel))
    followed = await world.engine.call("ses_2", FetchChannels())
    seen = await world.engine.call("ses_2", FetchChannel(channel=channel))
    await world.engine.call("ses_2", FollowChannel(channel=channel, follows=False))
    left = await world.engine.call("ses_2", FetchChannels())

    assert (made.channel.name, made.channel.description, made.channel.role) == ("News", "daily", "owner")
    assert (made.channel.state, made.channel.subscribers, made.channel.muted) == ("active", 1, False)
    assert made.channel.created_at is not None
    assert isinstance(invited, ChannelFound)
    assert (invited.channel.address, invited.channel.role) == (channel, None)
    assert isinstance(seen, ChannelFound)
    assert (seen.channel.role, seen.channel.muted, seen.channel.subscribers) == ("subscriber", True, 2)
    assert followed == ChannelsFound(channels=(seen.channel,))
    assert left == ChannelsFound(channels=())


async def test_a_channel_that_is_not_there_is_unknown(world: World, tmp_path: Path) -> None:
    await link(world, spec_for(tmp_path), await world.phone("Ana"))
    nowhere = Address.of(Jid("120363000000000001", "newsletter"))

    for command in (FetchChannel(channel=nowhere), FetchChannel(invite="nothing1"), FollowChannel(channel=nowhere)):
        with pytest.raises(RecipientUnknownError):
            await world.engine.call("ses_1", command)


async def test_posts_are_read_and_reacted_to(world: World, tmp_path: Path) -> None:
    number = await world.phone("Ana")
    await link(world, spec_for(tmp_path), number)
    channel = await world.channel(number, "News")
    for body in ("one", "two", "three"):
        await world.publish(channel, body)

    newest = await world.engine.call("ses_1", FetchPosts(channel=channel, count=2))
    assert isinstance(newest, PostsFound)
    older = await world.engine.call("ses_1", FetchPosts(channel=channel, count=5, before=newest.posts[-1].server_id))
    first = newest.posts[0].server_id
    await world.engine.call("ses_1", ReactToPost(channel=channel, server_id=first, emoji="👍"))

    async def reacted() -> bool:
        found = await world.engine.call("ses_1", FetchPosts(channel=channel, count=1))
        return isinstance(found, PostsFound) and found.posts[0].reactions == {"👍": 1}

    assert [post.content for post in newest.posts] == [Text(body="three"), Text(body="two")]
    assert isinstance(older, PostsFound)
    assert [post.content for post in older.posts] == [Text(body="one")]
    for _ in range(100):
        if await reacted():
            break
    assert await reacted()
    assert await world.engine.call("ses_1", ViewPosts(channel=channel, server_ids=(first,))) == Done()
    assert await world.engine.call("ses_1", WatchChannel(channel=channel)) == ChannelWatched(seconds=300.0)


async def test_what_the_engine_cannot_count_as_seen_is_refused(world: World, tmp_path: Path) -> None:
    number = await world.phone("Ana")
    await link(world, spec_for(tmp_path), number)
    channel = await world.channel(number, "News")

    with pytest.raises(EngineUnsupportedError):
        await world.engine.call("ses_1", ViewPosts(channel=channel, server_ids=(255, 256)))


# What only WhatsApp itself can tell


async def test_a_name_reaches_the_phone(real: RealWorld, tmp_path: Path) -> None:
    number = await real.phone("Ana")
    await link(real, spec_for(tmp_path), number)
    account = real.whatsapp.service.account(number.removeprefix("+"))

    await set_name(real, "Ana Maria")

    await real.until_true(lambda: account.name == "Ana Maria")


async def set_name(real: RealWorld, name: str) -> None:
    """The keys for it come from the phone a moment after linking."""
    from sessions.errors import SessionError

    for _ in range(200):
        try:
            await real.engine.call("ses_1", SetName(name=name))
        except SessionError:
            continue
        return


async def test_changes_that_the_phone_makes_are_reported(real: RealWorld, tmp_path: Path) -> None:
    number, other = await real.phone("Ana"), await real.phone("Ben")
    await link(real, spec_for(tmp_path), number)
    service = real.whatsapp.service
    account, ben = (service.account(one.removeprefix("+")) for one in (number, other))
    newsletters = service.newsletters
    channel = await newsletters.create(ben, "News", "", by=None)

    await service.block(account, ben, blocks=True)
    await service.set_picture(account, JPEG)
    change = Node("privacy", {}, [Node("category", {"name": "last", "value": "none"})])
    await service.notices.notify_companions(account, "account_sync", [change], but=None)
    await newsletters.follow(account, channel, by=None)
    await newsletters.set_muted(account, channel, muted=True, by=None)
    await real.engine.call("ses_1", WatchChannel(channel=Address.of(channel.jid)))
    body = E2E.Message(conversation="hello").SerializeToString()
    post = await newsletters.post(channel, id=new_post_id(), type="text", body=body, by=None)
    await newsletters.react(ben, channel, post, "👍")
    await newsletters.unfollow(account, channel, by=None)

    events = real.listener.events
    await real.listener.until(lambda: events(ChannelLeft) and events(ChannelUpdated) and events(MessageReceived))
    await real.listener.until(lambda: events(BlocklistChanged) and events(PictureChanged) and events(PrivacyChanged))
    [joined] = events(ChannelJoined)
    assert (joined.channel.name, joined.channel.role) == ("News", "subscriber")
    assert events(ChannelMuted) == [ChannelMuted(channel=Address.of(channel.jid), muted=True)]
    assert events(ChannelUpdated)[0].posts[0].reactions == {"👍": 1}
    assert [one.lid for one in events(BlocklistChanged)[0].blocked] == [ben.lid]
    assert events(PrivacyChanged) == [PrivacyChanged(changed=("last_seen",))]
    arrived = events(MessageReceived)[0]
    assert (arrived.key.chat, arrived.content) == (Address.of(channel.jid), Text(body="hello"))


async def test_channels_are_not_told_of_where_nobody_wants_to_hear(real: RealWorld, tmp_path: Path) -> None:
    number = await real.phone("Ana")
    await link(real, spec_for(tmp_path, channel_events=False), number)
    account = real.whatsapp.service.account(number.removeprefix("+"))

    channel = await real.whatsapp.service.newsletters.create(account, "News", "", by=None)
    await real.whatsapp.service.set_picture(account, JPEG)

    await real.listener.until(lambda: real.listener.events(PictureChanged))
    assert real.listener.events(ChannelJoined) == []
    assert channel.follows(account.number)
