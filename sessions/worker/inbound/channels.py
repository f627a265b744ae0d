"""Reads channels, their posts, and the news of them."""

from __future__ import annotations

from typing import Any, Literal, cast

from sessions.address import Address
from sessions.channels import Channel, Post, Role
from sessions.events import ChannelJoined, ChannelLeft, ChannelMuted, ChannelUpdated, Event
from sessions.protobuf import load
from sessions.worker.inbound.content import read_content
from sessions.worker.inbound.context import Reading
from sessions.worker.jids import address, text

_neonize: Any = load("Neonize_pb2")

_STATES = {1: "active", 2: "suspended", 3: "geosuspended"}
_ROLES: dict[int, Role] = {1: "subscriber", 2: "guest", 3: "admin", 4: "owner"}
_VERIFIED, _MUTED = 1, 1


def read_channel(data: Any) -> Channel:
    """A channel as the engine gives it."""
    thread = data.ThreadMeta
    viewer = data.ViewerMeta if data.HasField("ViewerMeta") else None
    return Channel(
        address=address(data.ID),
        name=text(thread.Name.Text),
        description=text(thread.Description.Text),
        invite=text(thread.InviteCode),
        subscribers=int(thread.SubscriberCount),
        created_at=float(thread.CreationTime) if thread.CreationTime > 0 else None,
        verified=thread.VerificationState == _VERIFIED,
        state=cast(Literal["active"], _STATES.get(data.State.Type, "unknown")),
        role=_ROLES.get(viewer.Role) if viewer is not None else None,
        muted=viewer.Mute == _MUTED if viewer is not None else None,
    )


def read_post(data: Any, channel: Address, reading: Reading) -> Post:
    """A post as the engine gives it, whole or only its counts."""
    content = None
    if data.HasField("Message"):
        content = read_content(
            data.Message, view_once=False, chat=channel, author=channel, from_me=False, reading=reading
        )
    return Post(
        server_id=int(data.MessageServerID),
        views=int(data.ViewsCount),
        reactions={text(one.type): int(one.count) for one in data.ReactionCounts},
        content=content,
    )


def read_joined(data: bytes, reading: Reading) -> list[Event]:
    return [ChannelJoined(channel=read_channel(_neonize.NewsletterJoin.FromString(data).NewsletterMetadata))]


def read_left(data: bytes, reading: Reading) -> list[Event]:
    return [ChannelLeft(channel=address(_neonize.NewsletterLeave.FromString(data).ID))]


def read_muted(data: bytes, reading: Reading) -> list[Event]:
    event = _neonize.NewsletterMuteChange.FromString(data)
    return [ChannelMuted(channel=address(event.ID), muted=event.Mute == _MUTED)]


def read_update(data: bytes, reading: Reading) -> list[Event]:
    event = _neonize.NewsletterLiveUpdate.FromString(data)
    channel = address(event.JID)
    posts = tuple(read_post(message, channel, reading) for message in event.Messages)
    return [ChannelUpdated(channel=channel, posts=posts)]
