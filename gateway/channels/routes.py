"""Channels over HTTP."""

from __future__ import annotations

from gateway.api.route import Call, route
from gateway.channels.errors import ChannelNotFoundError
from gateway.channels.schemas import (
    ChannelIn,
    ChannelList,
    ChannelOut,
    LiveOut,
    PostList,
    PostQuery,
    PostReactionIn,
    ViewedIn,
    render_channel,
    render_post,
)
from gateway.profiles.asking import SESSION_ERRORS, Asking
from sessions.address import Address, AddressKind, InvalidJidError, Jid
from sessions.commands.channels import (
    ChannelCommand,
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
from sessions.commands.every import AnyResult
from sessions.errors import RecipientUnknownError

_TAG = "channels"
_ALL = "/api/v1/sessions/{session}/channels"
_ONE = f"{_ALL}/{{channel}}"
_ASKED = (*SESSION_ERRORS, "refused", "whatsapp_busy", "outcome_unknown")
_OF_ONE = (*_ASKED, "channel_not_found")


class ChannelRoutes:
    """``{channel}`` is its address, with or without ``@newsletter``."""

    def __init__(self, *, asking: Asking) -> None:
        self._asking = asking

    @route(
        "GET",
        _ALL,
        operation="channels.list",
        summary="List the channels that the account owns or follows",
        tag=_TAG,
        gives=ChannelList,
        errors=_ASKED,
    )
    async def list(self, call: Call) -> dict[str, object]:
        found = await self._ask(call, FetchChannels())
        assert isinstance(found, ChannelsFound), "the engine answers FetchChannels with ChannelsFound"
        return {"items": [render_channel(channel) for channel in found.channels]}

    @route(
        "POST",
        _ALL,
        operation="channels.create",
        summary="Open a channel",
        tag=_TAG,
        takes=ChannelIn,
        gives=ChannelOut,
        status=201,
        idempotent_key=True,
        errors=_ASKED,
    )
    async def create(self, call: Call) -> dict[str, object]:
        body: ChannelIn = call.body
        return _shown(await self._ask(call, CreateChannel(name=body.name, description=body.description)))

    @route(
        "GET",
        _ONE,
        operation="channels.read",
        summary="Read a channel",
        tag=_TAG,
        gives=ChannelOut,
        errors=_OF_ONE,
    )
    async def read(self, call: Call) -> dict[str, object]:
        return _shown(await self._ask(call, FetchChannel(channel=_channel(call))))

    @route(
        "GET",
        "/api/v1/sessions/{session}/channel-invites/{invite}",
        operation="channels.read_invite",
        summary="Read the channel behind an invite code",
        tag=_TAG,
        scope="channels.read",
        gives=ChannelOut,
        errors=(*_OF_ONE, "invalid_request"),
    )
    async def read_invite(self, call: Call) -> dict[str, object]:
        return _shown(await self._ask(call, FetchChannel(invite=call.path["invite"])))

    @route(
        "PUT",
        f"{_ONE}/follow",
        operation="channels.follow",
        summary="Follow a channel",
        tag=_TAG,
        errors=_OF_ONE,
    )
    async def follow(self, call: Call) -> None:
        await self._ask(call, FollowChannel(channel=_channel(call)))

    @route(
        "DELETE",
        f"{_ONE}/follow",
        operation="channels.unfollow",
        summary="Follow a channel no longer",
        tag=_TAG,
        errors=_OF_ONE,
    )
    async def unfollow(self, call: Call) -> None:
        await self._ask(call, FollowChannel(channel=_channel(call), follows=False))

    @route(
        "PUT",
        f"{_ONE}/mute",
        operation="channels.mute",
        summary="Mute a channel on the phone",
        tag=_TAG,
        errors=_OF_ONE,
    )
    async def mute(self, call: Call) -> None:
        await self._ask(call, MuteChannel(channel=_channel(call)))

    @route(
        "DELETE",
        f"{_ONE}/mute",
        operation="channels.unmute",
        summary="Mute a channel no longer",
        tag=_TAG,
        errors=_OF_ONE,
    )
    async def unmute(self, call: Call) -> None:
        await self._ask(call, MuteChannel(channel=_channel(call), muted=False))

    @route(
        "GET",
        f"{_ONE}/messages",
        operation="channels.messages",
        summary="Read the posts of a channel",
        tag=_TAG,
        query=PostQuery,
        gives=PostList,
        errors=_OF_ONE,
    )
    async def messages(self, call: Call) -> dict[str, object]:
        query: PostQuery = call.query
        command = FetchPosts(channel=_channel(call), count=query.limit, before=query.before or 0)
        found = await self._ask(call, command)
        assert isinstance(found, PostsFound), "the engine answers FetchPosts with PostsFound"
        is_full = len(found.posts) == query.limit
        following = found.posts[-1].server_id if is_full and found.posts[-1].server_id > 1 else None
        return {"items": [render_post(post) for post in found.posts], "next": following}

    @route(
        "PUT",
        f"{_ONE}/messages/{{server_id}}/reaction",
        operation="channels.react",
        summary="Put an emoji on a post",
        tag=_TAG,
        takes=PostReactionIn,
        errors=_OF_ONE,
        description="WhatsApp does not answer this: look at the post to see the reaction counted.",
    )
    async def react(self, call: Call) -> None:
        text = call.path["server_id"]
        if not (text.isascii() and text.isdecimal() and 0 < int(text) < 2**31):
            raise ChannelNotFoundError("There is no such post.")
        await self._ask(call, ReactToPost(channel=_channel(call), server_id=int(text), emoji=call.body.emoji))

    @route(
        "POST",
        f"{_ONE}/viewed",
        operation="channels.viewed",
        summary="Have posts counted as seen",
        tag=_TAG,
        takes=ViewedIn,
        errors=(*_OF_ONE, "engine_unsupported"),
        description="The engine can only name posts with server ids up to 255; others answer `501 engine_unsupported`.",
    )
    async def viewed(self, call: Call) -> None:
        await self._ask(call, ViewPosts(channel=_channel(call), server_ids=tuple(call.body.server_ids)))

    @route(
        "POST",
        f"{_ONE}/live",
        operation="channels.live",
        summary="Hear of views and reactions for a while",
        tag=_TAG,
        gives=LiveOut,
        errors=_OF_ONE,
    )
    async def live(self, call: Call) -> dict[str, object]:
        found = await self._ask(call, WatchChannel(channel=_channel(call)))
        assert isinstance(found, ChannelWatched), "the engine answers WatchChannel with ChannelWatched"
        return {"seconds": found.seconds}

    async def _ask(self, call: Call, command: ChannelCommand) -> AnyResult:
        session = await self._asking.session(call.caller, call.path["session"])
        try:
            return await self._asking.ask(session, command)
        except RecipientUnknownError as error:
            raise ChannelNotFoundError from error


def _shown(answer: object) -> dict[str, object]:
    assert isinstance(answer, ChannelFound), "the engine answers with the channel"
    return render_channel(answer.channel)


def _channel(call: Call) -> Address:
    text = call.path["channel"]
    try:
        jid = Jid.parse(text if "@" in text else f"{text}@newsletter")
    except InvalidJidError as error:
        raise ChannelNotFoundError from error
    if jid.kind is not AddressKind.NEWSLETTER or not (jid.user.isascii() and jid.user.isdecimal()) or jid.device:
        raise ChannelNotFoundError
    return Address.of(jid)
