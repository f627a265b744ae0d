"""Commands about channels."""

from __future__ import annotations

from sessions.address import Address
from sessions.channels import Channel, Post
from sessions.commands.base import Command, Result


class FetchChannels(Command, frozen=True, tag="fetch_channels"):
    """Every channel that the linked account follows or owns."""


class FetchChannel(Command, frozen=True, tag="fetch_channel"):
    """One channel, by its address or by the code of an invitation."""

    channel: Address | None = None
    invite: str = ""


class CreateChannel(Command, frozen=True, tag="create_channel"):
    name: str
    description: str = ""
    jpeg: bytes = b""


class FollowChannel(Command, frozen=True, tag="follow_channel"):
    channel: Address
    follows: bool = True


class MuteChannel(Command, frozen=True, tag="mute_channel"):
    channel: Address
    muted: bool = True


class FetchPosts(Command, frozen=True, tag="fetch_posts"):
    """Posts of a channel, the newest first; ``before`` is a server id."""

    channel: Address
    count: int
    before: int = 0


class ReactToPost(Command, frozen=True, tag="react_to_post"):
    """An empty emoji takes the reaction back."""

    channel: Address
    server_id: int
    emoji: str


class ViewPosts(Command, frozen=True, tag="view_posts"):
    """Have posts counted as seen. The engine can only name server ids up to 255."""

    channel: Address
    server_ids: tuple[int, ...]


class WatchChannel(Command, frozen=True, tag="watch_channel"):
    """Hear of views and reactions for a while."""

    channel: Address


class ChannelFound(Result, frozen=True, tag="channel"):
    channel: Channel


class ChannelsFound(Result, frozen=True, tag="channels"):
    channels: tuple[Channel, ...]


class PostsFound(Result, frozen=True, tag="posts"):
    posts: tuple[Post, ...]


class ChannelWatched(Result, frozen=True, tag="channel_watched"):
    seconds: float


ChannelCommand = (
    FetchChannels
    | FetchChannel
    | CreateChannel
    | FollowChannel
    | MuteChannel
    | FetchPosts
    | ReactToPost
    | ViewPosts
    | WatchChannel
)
ChannelResult = ChannelFound | ChannelsFound | PostsFound | ChannelWatched
