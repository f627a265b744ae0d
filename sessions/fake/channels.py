"""What the fake knows of channels."""

from __future__ import annotations

import time
from typing import Any

import msgspec

from sessions.address import NEWSLETTER_SERVER, Address, Jid
from sessions.channels import LAST_VIEWABLE_ID, Channel, Post
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
from sessions.content import Content
from sessions.errors import EngineUnsupportedError, RecipientUnknownError
from sessions.fake.account import FakeChannel
from sessions.fake.parts import FakeSession
from sessions.fake.world import Answers, FakeWorld

_FIRST_SERVER_ID = 100


def fetch_all(world: FakeWorld, session: FakeSession, command: FetchChannels) -> ChannelsFound:
    me = _me(session)
    return ChannelsFound(channels=tuple(_seen(one, me) for one in world.channels.values() if me in one.followers))


def fetch(world: FakeWorld, session: FakeSession, command: FetchChannel) -> ChannelFound:
    if command.channel is not None:
        return ChannelFound(channel=_seen(_find(world, command.channel), _me(session)))
    for one in world.channels.values():
        if one.channel.invite == command.invite:
            return ChannelFound(channel=_counted(one))
    raise RecipientUnknownError


def create(world: FakeWorld, session: FakeSession, command: CreateChannel) -> ChannelFound:
    made = open_channel(world, _me(session), command.name, command.description)
    return ChannelFound(channel=_seen(made, _me(session)))


def follow(world: FakeWorld, session: FakeSession, command: FollowChannel) -> None:
    found = _find(world, command.channel)
    (found.followers.add if command.follows else found.followers.discard)(_me(session))


def mute(world: FakeWorld, session: FakeSession, command: MuteChannel) -> None:
    found = _find(world, command.channel)
    (found.muted.add if command.muted else found.muted.discard)(_me(session))


def fetch_posts(world: FakeWorld, session: FakeSession, command: FetchPosts) -> PostsFound:
    found = _find(world, command.channel).posts
    posts = [post for post in reversed(found) if not command.before or post.server_id < command.before]
    return PostsFound(posts=tuple(posts[: command.count]))


def react(world: FakeWorld, session: FakeSession, command: ReactToPost) -> None:
    found = _find(world, command.channel)
    reactions = {command.emoji: 1} if command.emoji else {}
    found.posts = [
        msgspec.structs.replace(post, reactions=reactions) if post.server_id == command.server_id else post
        for post in found.posts
    ]


def view(world: FakeWorld, session: FakeSession, command: ViewPosts) -> None:
    if any(server_id > LAST_VIEWABLE_ID for server_id in command.server_ids):
        raise EngineUnsupportedError
    _find(world, command.channel)


def watch(world: FakeWorld, session: FakeSession, command: WatchChannel) -> ChannelWatched:
    _find(world, command.channel)
    return ChannelWatched(seconds=300.0)


def open_channel(world: FakeWorld, owner: str, name: str, description: str = "") -> FakeChannel:
    """A channel of this number."""
    number = f"120363{next(world.ids):012d}"
    channel = Channel(
        address=Address.of(Jid(number, NEWSLETTER_SERVER)),
        name=name,
        description=description,
        invite=f"invite{number}",
        created_at=float(int(time.time())),
        state="active",
    )
    made = world.channels[number] = FakeChannel(channel=channel, owner=owner, followers={owner})
    return made


def publish(found: FakeChannel, content: Content) -> Post:
    """Put a post at the end of a channel."""
    post = Post(server_id=_FIRST_SERVER_ID + len(found.posts), content=content)
    found.posts.append(post)
    return post


class PlaysChannels:
    """Lets tests open channels and publish in them."""

    _world: FakeWorld

    def open_channel(self, owner: str, name: str) -> Channel:
        """A channel of this number."""
        return open_channel(self._world, owner, name).channel

    def publish(self, channel: Address, content: Content) -> Post:
        """A post of its owner."""
        return publish(_find(self._world, channel), content)


def _find(world: FakeWorld, channel: Address) -> FakeChannel:
    found: Any = world.channels.get(channel.primary.user)
    if not isinstance(found, FakeChannel):
        raise RecipientUnknownError
    return found


def _seen(found: FakeChannel, number: str) -> Channel:
    role = "owner" if found.owner == number else "subscriber" if number in found.followers else "guest"
    return msgspec.structs.replace(_counted(found), role=role, muted=number in found.muted)


def _counted(found: FakeChannel) -> Channel:
    return msgspec.structs.replace(found.channel, subscribers=len(found.followers))


def _me(session: FakeSession) -> str:
    assert session.phone is not None
    return session.phone.number


ANSWERS: Answers = {
    FetchChannels: fetch_all,
    FetchChannel: fetch,
    CreateChannel: create,
    FollowChannel: follow,
    MuteChannel: mute,
    FetchPosts: fetch_posts,
    ReactToPost: react,
    ViewPosts: view,
    WatchChannel: watch,
}
