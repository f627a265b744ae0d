"""Minds the channels that the linked account owns or follows."""

from __future__ import annotations

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
from sessions.worker.commands.area import Area, Desk
from sessions.worker.guard import channels
from sessions.worker.outbound.parts import chat_jid


def fetch_all(desk: Desk, command: FetchChannels) -> ChannelsFound:
    return ChannelsFound(channels=tuple(channels.followed(desk.handle)))


def fetch(desk: Desk, command: FetchChannel) -> ChannelFound:
    if command.channel is None:
        return ChannelFound(channel=channels.info_of_invite(desk.handle, command.invite))
    return ChannelFound(channel=channels.info(desk.handle, chat_jid(command.channel)))


def create(desk: Desk, command: CreateChannel) -> ChannelFound:
    return ChannelFound(channel=channels.create(desk.handle, command.name, command.description, command.jpeg))


def follow(desk: Desk, command: FollowChannel) -> None:
    channels.follow(desk.handle, chat_jid(command.channel), follows=command.follows)


def mute(desk: Desk, command: MuteChannel) -> None:
    channels.mute(desk.handle, chat_jid(command.channel), muted=command.muted)


def fetch_posts(desk: Desk, command: FetchPosts) -> PostsFound:
    found = channels.posts(desk.handle, chat_jid(command.channel), count=command.count, before=command.before)
    return PostsFound(posts=tuple(found))


def react(desk: Desk, command: ReactToPost) -> None:
    channels.react(desk.handle, chat_jid(command.channel), command.server_id, command.emoji)


def view(desk: Desk, command: ViewPosts) -> None:
    channels.mark_viewed(desk.handle, chat_jid(command.channel), command.server_ids)


def watch(desk: Desk, command: WatchChannel) -> ChannelWatched:
    return ChannelWatched(seconds=channels.watch(desk.handle, chat_jid(command.channel)))


AREA = Area(
    does={
        FetchChannels: fetch_all,
        FetchChannel: fetch,
        CreateChannel: create,
        FollowChannel: follow,
        MuteChannel: mute,
        FetchPosts: fetch_posts,
        ReactToPost: react,
        ViewPosts: view,
        WatchChannel: watch,
    },
    answered_by_whatsapp=frozenset(
        {FetchChannels, FetchChannel, CreateChannel, FollowChannel, MuteChannel, FetchPosts, ViewPosts, WatchChannel}
    ),
)
