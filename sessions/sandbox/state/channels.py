"""The channels of this WhatsApp: who owns and follows them, and what was posted there."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator

import msgspec

from sessions.address import NEWSLETTER_SERVER, Jid
from sessions.sandbox.state.store import Store

#: The service counts the posts of a channel from here.
FIRST_SERVER_ID = 100
_INVITE_BYTES = 16


class ChannelRecord(msgspec.Struct, omit_defaults=True):
    """What the store keeps of a channel."""

    id: str
    name: str
    invite: str
    owner: str  #: number of the account
    created_at: int
    description: str = ""
    #: Numbers of the accounts that follow it; the owner is one of them.
    followers: list[str] = []
    muted: list[str] = []
    next_server_id: int = FIRST_SERVER_ID


class Post(msgspec.Struct, omit_defaults=True):
    """One message of a channel. ``body`` is the message as its author wrote it: channels are not encrypted."""

    server_id: int
    id: str
    type: str
    at: int
    body: bytes
    viewers: list[str] = []
    reactions: dict[str, str] = {}  #: emoji by the number of who reacted


class Channel:
    """One channel with its posts, oldest first."""

    def __init__(self, record: ChannelRecord) -> None:
        self.record = record
        self.jid = Jid(record.id, NEWSLETTER_SERVER)
        self.posts: dict[int, Post] = {}

    def follows(self, number: str) -> bool:
        """Whether this account follows it."""
        return number in self.record.followers

    def role(self, number: str) -> str:
        """What this account is here: owner, subscriber or guest."""
        if number == self.record.owner:
            return "owner"
        return "subscriber" if self.follows(number) else "guest"

    def newest(self, count: int, *, before: int = 0) -> list[Post]:
        """So many posts before a server id, oldest first."""
        found = [post for post in self.posts.values() if not before or post.server_id < before]
        return found[-count:]


class ChannelBook:
    """All channels. Every change is written to the store at once; the caller commits."""

    def __init__(self, *, store: Store) -> None:
        self._records = store.space("channels")
        self._posts = store.space("channel posts")
        self._channels: dict[str, Channel] = {}
        self._load()

    def __iter__(self) -> Iterator[Channel]:
        return iter(list(self._channels.values()))

    def get(self, jid: Jid | None) -> Channel | None:
        """The channel at this address."""
        if jid is None or jid.server != NEWSLETTER_SERVER:
            return None
        return self._channels.get(jid.user)

    def invited(self, invite: str) -> Channel | None:
        """The channel behind an invite code."""
        return next((channel for channel in self if channel.record.invite == invite), None)

    def create(self, *, owner: str, name: str, description: str) -> Channel:
        """A new channel, followed by its owner."""
        record = ChannelRecord(
            id=f"120363{secrets.randbelow(10**12):012d}",
            name=name,
            description=description,
            invite=f"0029V{secrets.token_urlsafe(_INVITE_BYTES).replace('-', 'x').replace('_', 'y')}",
            owner=owner,
            created_at=int(time.time()),
            followers=[owner],
        )
        channel = self._channels[record.id] = Channel(record)
        self.save(channel)
        return channel

    def save(self, channel: Channel) -> None:
        """Write a changed channel."""
        self._records.put(channel.record.id, msgspec.msgpack.encode(channel.record))

    def add_post(self, channel: Channel, *, id: str, type: str, body: bytes) -> Post:
        """Put a message at the end of a channel."""
        record = channel.record
        post = Post(server_id=record.next_server_id, id=id, type=type, at=int(time.time()), body=body)
        record.next_server_id += 1
        channel.posts[post.server_id] = post
        self.save(channel)
        self.save_post(channel, post)
        return post

    def save_post(self, channel: Channel, post: Post) -> None:
        """Write a changed message of a channel."""
        self._posts.put(f"{channel.record.id} {post.server_id:010d}", msgspec.msgpack.encode(post))

    def _load(self) -> None:
        for key, body in self._records.items():
            self._channels[key] = Channel(msgspec.msgpack.decode(body, type=ChannelRecord))
        for key, body in self._posts.items():
            post = msgspec.msgpack.decode(body, type=Post)
            self._channels[key.split(" ")[0]].posts[post.server_id] = post
