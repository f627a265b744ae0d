"""What clients ask about channels: in GraphQL about the channels themselves, in namespace ``newsletter`` about posts."""

from __future__ import annotations

from typing import Any

from sessions.address import InvalidJidError, Jid
from sessions.sandbox.state.channels import Channel
from sessions.sandbox.state.directory import Device
from sessions.sandbox.traffic.newsletters import Newsletters, describe, post_node
from sessions.sandbox.traffic.queries.mex import MexError, MexHandler
from sessions.sandbox.traffic.queries.registry import BAD_REQUEST, NOT_FOUND, Query, Routes
from sessions.sandbox.wire.node import SERVER, Attrs, Node

_LIVE_SECONDS = 300
_MOST_POSTS = 100
_LONGEST_NAME, _LONGEST_DESCRIPTION = 100, 2048


class NewsletterQueries:
    """Answers; the channels themselves are minded by :class:`Newsletters`."""

    def __init__(self, *, newsletters: Newsletters) -> None:
        self._newsletters = newsletters

    def routes(self) -> Routes:
        """What is answered here."""
        return {
            ("get", "newsletter", "messages"): self._messages,
            ("get", "newsletter", "message_updates"): self._updates,
            ("set", "newsletter", "live_updates"): self._live_updates,
            ("set", "tos", "notice"): self._accept_terms,
        }

    def questions(self) -> dict[str, MexHandler]:
        """The numbered questions that are answered here."""
        return {
            "6563316087068696": self._info,
            "6388546374527196": self._followed,
            "6234210096708695": self._create,
            "9926858900719341": self._follow,
            "6392786840836363": self._unfollow,
            "6274038279359549": self._mute,
            "6068417879924485": self._unmute,
        }

    async def _info(self, device: Device, variables: dict[str, Any]) -> dict[str, Any]:
        asked = variables["input"]
        if asked["type"] == "INVITE":
            channel = self._newsletters.book.invited(asked["key"])
        else:
            channel = self._channel(asked["key"])
        if channel is None:
            raise MexError(404, "Not Found")
        viewer = device.account.number if variables.get("fetch_viewer_metadata") else None
        return {"xwa2_newsletter": describe(channel, viewer=viewer)}

    async def _followed(self, device: Device, variables: dict[str, Any]) -> dict[str, Any]:
        number = device.account.number
        followed = [channel for channel in self._newsletters.book if channel.follows(number)]
        return {"xwa2_newsletter_subscribed": [describe(channel, viewer=number) for channel in followed]}

    async def _create(self, device: Device, variables: dict[str, Any]) -> dict[str, Any]:
        account, wanted = device.account, variables["newsletter_input"]
        if not account.record.accepted_terms:
            raise MexError(403, "Terms of service not accepted")
        name, description = wanted["name"], wanted.get("description") or ""
        if not 0 < len(name) <= _LONGEST_NAME or len(description) > _LONGEST_DESCRIPTION:
            raise MexError(400, "Bad Request")
        channel = await self._newsletters.create(account, name, description, by=device)
        return {"xwa2_newsletter_create": describe(channel, viewer=account.number)}

    async def _follow(self, device: Device, variables: dict[str, Any]) -> dict[str, Any]:
        channel = self._known(variables)
        await self._newsletters.follow(device.account, channel, by=device)
        return {"xwa2_newsletter_join_v2": {"id": str(channel.jid)}}

    async def _unfollow(self, device: Device, variables: dict[str, Any]) -> dict[str, Any]:
        channel = self._known(variables)
        if channel.role(device.account.number) == "owner":
            raise MexError(400, "Bad Request")
        await self._newsletters.unfollow(device.account, channel, by=device)
        return {"xwa2_newsletter_leave_v2": {"id": str(channel.jid)}}

    async def _mute(self, device: Device, variables: dict[str, Any]) -> dict[str, Any]:
        return await self._set_muted(device, variables, muted=True)

    async def _unmute(self, device: Device, variables: dict[str, Any]) -> dict[str, Any]:
        return await self._set_muted(device, variables, muted=False)

    async def _set_muted(self, device: Device, variables: dict[str, Any], *, muted: bool) -> dict[str, Any]:
        channel = self._known(variables)
        if not channel.follows(device.account.number):
            raise MexError(403, "Forbidden")
        await self._newsletters.set_muted(device.account, channel, muted=muted, by=device)
        return {"xwa2_newsletter_mute_v2": {"id": str(channel.jid)}}

    def _known(self, variables: dict[str, Any]) -> Channel:
        channel = self._channel(variables["newsletter_id"])
        if channel is None:
            raise MexError(404, "Not Found")
        return channel

    def _channel(self, text: str) -> Channel | None:
        try:
            return self._newsletters.book.get(Jid.parse(text))
        except InvalidJidError:
            return None

    async def _messages(self, query: Query) -> list[Node]:
        asked = query.child
        if asked.text("type") == "invite":
            channel = self._newsletters.book.invited(asked.text("key"))
        else:
            channel = self._newsletters.book.get(asked.jid("jid"))
        if channel is None:
            raise NOT_FOUND
        posts = channel.newest(_count(asked), before=int(asked.text("before") or 0))
        return [_post_list(channel, [post_node(post, whole=True) for post in posts])]

    async def _updates(self, query: Query) -> list[Node]:
        channel = self._newsletters.book.get(query.stanza.jid("to"))
        if channel is None:
            raise NOT_FOUND
        after = int(query.child.text("after") or 0)
        posts = [post for post in channel.newest(_MOST_POSTS) if post.server_id > after][: _count(query.child)]
        return [Node("message_updates", {}, [_post_list(channel, [post_node(post, whole=False) for post in posts])])]

    async def _live_updates(self, query: Query) -> list[Node]:
        channel = self._newsletters.book.get(query.stanza.jid("to"))
        if channel is None:
            raise NOT_FOUND
        self._newsletters.watch(query.device, channel, seconds=_LIVE_SECONDS)
        return [Node("live_updates", {"duration": _LIVE_SECONDS})]

    async def _accept_terms(self, query: Query) -> list[Node]:
        if query.stanza.jid("to") != SERVER or not query.child.text("id"):
            raise BAD_REQUEST
        self._newsletters.accept_terms(query.device.account)
        return []


def _count(asked: Node) -> int:
    return min(int(asked.text("count") or _MOST_POSTS), _MOST_POSTS)


def _post_list(channel: Channel, posts: list[Node]) -> Node:
    attrs: Attrs = {"jid": channel.jid, "t": channel.record.created_at}
    return Node("messages", attrs, posts)
