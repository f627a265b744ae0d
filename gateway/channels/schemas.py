"""What the routes about channels take and give."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from gateway.kit.times import from_epoch, render_time
from gateway.messages.codec import body_of, type_of
from sessions.channels import Channel, Post

MOST_POSTS = 100
_ServerId = Annotated[int, Field(ge=1, le=2_147_483_647)]


class _Input(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ChannelIn(_Input):
    """A new channel. WhatsApp's terms for those who own one are accepted with it."""

    name: str = Field(min_length=1, max_length=100)
    description: str = Field(default="", max_length=2048)


class ChannelOut(BaseModel):
    """One channel."""

    id: str = Field(examples=["120363025246125486@newsletter"])
    name: str
    description: str
    invite: str | None = Field(description="`https://whatsapp.com/channel/` and this code lead to it.")
    subscribers: int
    verified: bool
    state: Literal["active", "suspended", "geosuspended", "unknown"]
    role: Literal["owner", "admin", "subscriber", "guest"] | None = Field(
        description="What it is to this account; null where WhatsApp does not say."
    )
    muted: bool | None
    created_at: str | None


class ChannelList(BaseModel):
    items: list[ChannelOut]


class PostQuery(_Input):
    limit: int = Field(default=50, ge=1, le=MOST_POSTS)
    before: int | None = Field(default=None, ge=1, le=2_147_483_647, description="Only posts before this server id.")


class PostOut(BaseModel):
    """One post, as WhatsApp lists it; the engine does not say when it was published."""

    server_id: int = Field(description="Counts the posts of one channel.")
    type: str | None
    text: str | None = Field(description="What it says; of a file its caption.")
    views: int
    reactions: dict[str, int] = Field(description="How often each emoji was put on it.")


class PostList(BaseModel):
    """Posts, the newest first."""

    items: list[PostOut]
    next: int | None = Field(description="Give it as `before` for older ones; null when this is all.")


class PostReactionIn(_Input):
    emoji: str = Field(max_length=16, description="Empty takes the reaction back.")


class ViewedIn(_Input):
    server_ids: list[_ServerId] = Field(min_length=1, max_length=MOST_POSTS)


class LiveOut(BaseModel):
    seconds: float = Field(description="For so long `channel.updated` tells of views and reactions; then ask again.")


def render_channel(channel: Channel) -> dict[str, Any]:
    """A channel as JSON."""
    return {
        "id": str(channel.address.primary),
        "name": channel.name,
        "description": channel.description,
        "invite": channel.invite or None,
        "subscribers": channel.subscribers,
        "verified": channel.verified,
        "state": channel.state,
        "role": channel.role,
        "muted": channel.muted,
        "created_at": None if channel.created_at is None else render_time(from_epoch(channel.created_at)),
    }


def render_post(post: Post) -> dict[str, Any]:
    """A post as JSON."""
    return {
        "server_id": post.server_id,
        "type": None if post.content is None else type_of(post.content),
        "text": None if post.content is None else body_of(post.content) or None,
        "views": post.views,
        "reactions": dict(post.reactions),
    }
