"""Minds the channels: posts travel to followers, and those who look on hear of views and reactions."""

from __future__ import annotations

import json
import secrets
import time
from typing import Any

from sessions.address import NEWSLETTER_SERVER, Jid
from sessions.sandbox.state.channels import Channel, ChannelBook, Post
from sessions.sandbox.state.directory import Account, Device, Directory
from sessions.sandbox.state.endpoint import Endpoint
from sessions.sandbox.traffic.delivery import Delivery
from sessions.sandbox.traffic.notices import Notices
from sessions.sandbox.wire.node import SERVER, Attrs, Node

_FORBIDDEN, _NOT_FOUND = 403, 404
_SENDER_REVOKE = "7"


class Newsletters:
    """All channels as the service handles them."""

    def __init__(self, *, book: ChannelBook, directory: Directory, delivery: Delivery, notices: Notices) -> None:
        self.book = book
        self._directory = directory
        self._delivery = delivery
        self._notices = notices
        #: Who looks on, until when; forgotten in a restart, as clients ask again every few minutes.
        self._watchers: dict[str, dict[str, tuple[Device, float]]] = {}

    # What devices and phones do

    async def create(self, account: Account, name: str, description: str, *, by: Device | None) -> Channel:
        """A new channel of this account."""
        channel = self.book.create(owner=account.number, name=name, description=description)
        await self._tell_of_join(account, channel, by=by)
        return channel

    async def follow(self, account: Account, channel: Channel, *, by: Device | None) -> None:
        """The account follows the channel from now on."""
        if channel.follows(account.number):
            return
        channel.record.followers.append(account.number)
        self.book.save(channel)
        await self._tell_of_join(account, channel, by=by)

    async def unfollow(self, account: Account, channel: Channel, *, by: Device | None) -> None:
        """The account no longer follows the channel."""
        if not channel.follows(account.number):
            return
        channel.record.followers.remove(account.number)
        self.book.save(channel)
        news = {"id": str(channel.jid), "role": "GUEST"}
        await self._tell(account, "leave", news, by=by)

    async def set_muted(self, account: Account, channel: Channel, *, muted: bool, by: Device | None) -> None:
        """Whether the account hears of new posts."""
        others = [number for number in channel.record.muted if number != account.number]
        channel.record.muted = [*others, account.number] if muted else others
        self.book.save(channel)
        news = {"id": str(channel.jid), "mute": "ON" if muted else "OFF"}
        await self._tell(account, "mute_change", news, by=by)

    async def post(self, channel: Channel, *, id: str, type: str, body: bytes, by: Device | None) -> Post:
        """Publish a message; it reaches every device of every follower but the one that wrote it."""
        post = self.book.add_post(channel, id=id, type=type, body=body)
        attrs: Attrs = {"from": channel.jid, "id": id, "server_id": post.server_id, "type": type, "t": post.at}
        for number in channel.record.followers:
            account = self._directory.get(number)
            for device in account.companions if account else []:
                if device is not by:
                    await self._delivery.deliver(device, Node("message", {**attrs}, [Node("plaintext", {}, body)]))
        return post

    async def react(self, account: Account, channel: Channel, post: Post, emoji: str) -> None:
        """Put an emoji on a message, in place of the one before; an empty one takes it back."""
        post.reactions.pop(account.number, None)
        if emoji:
            post.reactions[account.number] = emoji
        self.book.save_post(channel, post)
        await self._tell_watchers(channel, post)

    async def view(self, account: Account, channel: Channel, server_ids: list[int]) -> None:
        """The account has looked at messages."""
        for server_id in server_ids:
            post = channel.posts.get(server_id)
            if post is not None and account.number not in post.viewers:
                post.viewers.append(account.number)
                self.book.save_post(channel, post)
                await self._tell_watchers(channel, post)

    def watch(self, device: Device, channel: Channel, *, seconds: float) -> None:
        """Tell this device of views and reactions for a while."""
        self._watchers.setdefault(channel.record.id, {})[device.key] = (device, time.monotonic() + seconds)

    def accept_terms(self, account: Account) -> None:
        """The account has agreed to what the service demands of those who own a channel."""
        account.record.accepted_terms = True
        self._directory.save_account(account)

    # What comes over the wire

    async def message(self, endpoint: Endpoint, message: Node) -> None:
        """A device posts, or reacts to a post."""
        device, channel = endpoint.device, self.book.get(message.jid("to"))
        if channel is None:
            await _answer(endpoint, message, error=_NOT_FOUND)
        elif message.text("type") == "reaction":
            await self._take_reaction(endpoint, channel, message)
        elif channel.role(device.account.number) != "owner":
            await _answer(endpoint, message, error=_FORBIDDEN)
        else:
            body = message.require("plaintext").data
            post = await self.post(channel, id=message.text("id"), type=message.text("type"), body=body, by=device)
            await _answer(endpoint, message, server_id=post.server_id)

    async def receipt(self, endpoint: Endpoint, receipt: Node) -> None:
        """A device has looked at posts. Other receipts change nothing that anybody sees."""
        channel = self.book.get(receipt.jid("to"))
        if channel is not None and receipt.text("type") == "view":
            items = [item for node in receipt.all("list") for item in node.all("item")]
            seen = [int(item.text("server_id") or 0) for item in items]
            await self.view(endpoint.device.account, channel, seen)
        attrs: Attrs = {"class": "receipt", "id": receipt.text("id"), "type": receipt.text("type")}
        await endpoint.push(Node("ack", {**attrs, "from": receipt.attrs.get("to"), "t": int(time.time())}))

    async def _take_reaction(self, endpoint: Endpoint, channel: Channel, message: Node) -> None:
        post = channel.posts.get(int(message.text("server_id") or 0))
        if post is None:
            await _answer(endpoint, message, error=_NOT_FOUND)
            return
        reaction = message.require("reaction")
        emoji = "" if message.text("edit") == _SENDER_REVOKE else reaction.text("code")
        await self.react(endpoint.device.account, channel, post, emoji)
        await _answer(endpoint, message, server_id=post.server_id)

    # What the service tells

    async def _tell_of_join(self, account: Account, channel: Channel, *, by: Device | None) -> None:
        await self._tell(account, "join", describe(channel, viewer=account.number), by=by)

    async def _tell(self, account: Account, what: str, news: dict[str, Any], *, by: Device | None) -> None:
        body = json.dumps({"data": {f"xwa2_notify_newsletter_on_{what}": news}}).encode()
        name = f"NotificationNewsletter{what.title().replace('_', '')}"
        for device in account.companions:
            if device is not by:
                await self._notices.notify(device, "mex", [Node("update", {"op_name": name}, body)], sender=SERVER)

    async def _tell_watchers(self, channel: Channel, post: Post) -> None:
        watchers = self._watchers.get(channel.record.id, {})
        for key, (device, until) in list(watchers.items()):
            is_linked = device.account.devices.get(device.index) is device
            if not is_linked or time.monotonic() > until:
                del watchers[key]
                continue
            updates = Node("live_updates", {}, [post_node(post, whole=False)])
            await self._notices.notify(device, "newsletter", [updates], sender=channel.jid)


def new_post_id() -> str:
    """The id of a message that a phone writes."""
    return f"3EB0{secrets.token_hex(9).upper()}"


def describe(channel: Channel, *, viewer: str | None) -> dict[str, Any]:
    """A channel as the service tells of it; with what it is to one account, if that is asked."""
    record = channel.record
    told: dict[str, Any] = {
        "id": str(channel.jid),
        "state": {"type": "ACTIVE"},
        "thread_metadata": {
            "creation_time": str(record.created_at),
            "invite": record.invite,
            "name": _text(record.name, record.created_at),
            "description": _text(record.description, record.created_at),
            "subscribers_count": str(len(record.followers)),
            "verification": "UNVERIFIED",
            "picture": None,
            "preview": {"id": "", "type": "PREVIEW", "direct_path": ""},
            "settings": {"reaction_codes": {"value": "all"}},
        },
        "viewer_metadata": None,
    }
    if viewer is not None:
        muted = viewer in record.muted
        told["viewer_metadata"] = {"mute": "ON" if muted else "OFF", "role": channel.role(viewer).upper()}
    return told


def post_node(post: Post, *, whole: bool) -> Node:
    """A post as it is listed: with what it says, or only who saw it and how they found it."""
    attrs: Attrs = {"server_id": post.server_id, "id": post.id, "type": post.type, "t": post.at}
    content = [Node("plaintext", {}, post.body)] if whole else []
    content.append(Node("views_count", {"count": len(post.viewers)}))
    counts: dict[str, int] = {}
    for emoji in post.reactions.values():
        counts[emoji] = counts.get(emoji, 0) + 1
    if counts:
        found = [Node("reaction", {"code": code, "count": count}) for code, count in counts.items()]
        content.append(Node("reactions", {}, found))
    return Node("message", attrs, content)


def _text(value: str, at: int) -> dict[str, str]:
    return {"id": str(at), "text": value, "update_time": str(at * 1_000_000)}


async def _answer(endpoint: Endpoint, message: Node, *, server_id: int | None = None, error: int | None = None) -> None:
    attrs: Attrs = {"class": "message", "from": message.attrs.get("to"), "id": message.text("id")}
    attrs |= {"t": int(time.time()), "server_id": server_id, "error": error}
    await endpoint.push(Node("ack", attrs))


def is_channel(jid: Jid | None) -> bool:
    """Whether a stanza goes to a channel."""
    return jid is not None and jid.server == NEWSLETTER_SERVER
