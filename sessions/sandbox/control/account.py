"""The control API's accounts and channels: what a person tells of themselves, whom they block, and what they publish."""

from __future__ import annotations

from dataclasses import asdict

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from sessions.address import NEWSLETTER_SERVER, Jid
from sessions.sandbox.control.bodies import read_body
from sessions.sandbox.control.phones import PREFIX
from sessions.sandbox.phones.calling import CallUnknownError
from sessions.sandbox.phones.phone import Phone
from sessions.sandbox.phones.phones import Phones
from sessions.sandbox.phones.reading import E2E
from sessions.sandbox.phones.shown import Json
from sessions.sandbox.service import Service
from sessions.sandbox.state.channels import Channel, Post
from sessions.sandbox.state.errors import ChannelUnknownError, MessageUnknownHereError, NotTheOwnerError
from sessions.sandbox.traffic.newsletters import new_post_id
from sessions.sandbox.traffic.queries.settings import LONGEST_ABOUT


class _Input(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ProfileChange(_Input):
    """What a person tells of themselves; what is absent stays."""

    name: str | None = Field(default=None, min_length=1, max_length=25)
    about: str | None = Field(default=None, max_length=LONGEST_ABOUT)


class Blocked(_Input):
    """Whom to block, or no longer."""

    number: str


class NewCall(_Input):
    """Whom to call."""

    to: str
    video: bool = False


class NewChannel(_Input):
    """A channel to open."""

    name: str = Field(min_length=1, max_length=100)
    description: str = Field(default="", max_length=2048)


class NewPost(_Input):
    """A text to publish."""

    body: str = Field(min_length=1, max_length=65_536)


class PostReaction(_Input):
    """An emoji on a post; an empty one takes it back."""

    emoji: str = Field(max_length=32)


class AccountControl:
    """Handlers about accounts and channels."""

    def __init__(self, *, phones: Phones, service: Service) -> None:
        self._phones = phones
        self._service = service

    def routes(self) -> list[web.RouteDef]:
        """What is answered here."""
        phone = f"{PREFIX}/phones/{{number}}"
        channel = f"{phone}/channels/{{channel}}"
        return [
            web.get(f"{phone}/profile", self._profile),
            web.put(f"{phone}/profile", self._set_profile),
            web.delete(f"{phone}/picture", self._remove_picture),
            web.post(f"{phone}/block", self._block),
            web.post(f"{phone}/unblock", self._unblock),
            web.get(f"{phone}/calls", self._calls),
            web.post(f"{phone}/calls", self._call),
            web.post(f"{phone}/calls/{{call}}/accept", self._accept_call),
            web.post(f"{phone}/calls/{{call}}/decline", self._decline_call),
            web.post(f"{phone}/calls/{{call}}/hang-up", self._hang_up),
            web.get(f"{PREFIX}/channels", self._list),
            web.get(f"{PREFIX}/channels/{{channel}}/messages", self._posts),
            web.post(f"{phone}/channels", self._create),
            web.post(f"{channel}/follow", self._follow),
            web.post(f"{channel}/unfollow", self._unfollow),
            web.post(f"{channel}/messages", self._publish),
            web.post(f"{channel}/messages/{{post:[0-9]+}}/reaction", self._react),
        ]

    async def _profile(self, request: web.Request) -> web.Response:
        return web.json_response(_describe_account(self._phone(request)))

    async def _set_profile(self, request: web.Request) -> web.Response:
        change, phone = await read_body(request, ProfileChange), self._phone(request)
        if change.name is not None:
            await phone.rename(change.name)
        if change.about is not None:
            await self._service.set_about(phone.account, change.about)
        return web.json_response(_describe_account(phone))

    async def _remove_picture(self, request: web.Request) -> web.Response:
        await self._service.set_picture(self._phone(request).account, b"")
        return web.json_response(_describe_account(self._phone(request)))

    async def _block(self, request: web.Request) -> web.Response:
        return await self._set_blocked(request, blocks=True)

    async def _unblock(self, request: web.Request) -> web.Response:
        return await self._set_blocked(request, blocks=False)

    async def _set_blocked(self, request: web.Request, *, blocks: bool) -> web.Response:
        whom = await read_body(request, Blocked)
        phone = self._phone(request)
        await self._service.block(phone.account, self._phones.get(whom.number).account, blocks=blocks)
        return web.json_response(_describe_account(phone))

    async def _calls(self, request: web.Request) -> web.Response:
        calls = self._phone(request).calls.placed.values()
        return web.json_response({"items": [asdict(call) for call in calls]})

    async def _call(self, request: web.Request) -> web.Response:
        wanted, phone = await read_body(request, NewCall), self._phone(request)
        call = await phone.calls.place(self._phones.get(wanted.to).account, video=wanted.video)
        return web.json_response(asdict(call), status=201)

    async def _accept_call(self, request: web.Request) -> web.Response:
        await self._phone(request).calls.answer(request.match_info["call"], accepts=True)
        return web.json_response({})

    async def _decline_call(self, request: web.Request) -> web.Response:
        await self._phone(request).calls.answer(request.match_info["call"], accepts=False)
        return web.json_response({})

    async def _hang_up(self, request: web.Request) -> web.Response:
        calls, name = self._phone(request).calls, request.match_info["call"]
        if name not in calls.placed:
            raise CallUnknownError
        call = await calls.hang_up(name, self._phones.get(calls.placed[name].to).account)
        return web.json_response(asdict(call))

    async def _list(self, request: web.Request) -> web.Response:
        return web.json_response({"items": [_describe_channel(one) for one in self._service.newsletters.book]})

    async def _posts(self, request: web.Request) -> web.Response:
        posts = self._channel(request).posts.values()
        return web.json_response({"items": [_describe_post(post) for post in posts]})

    async def _create(self, request: web.Request) -> web.Response:
        wanted, account = await read_body(request, NewChannel), self._phone(request).account
        newsletters = self._service.newsletters
        channel = await newsletters.create(account, wanted.name, wanted.description, by=None)
        self._service.store.commit()
        return web.json_response(_describe_channel(channel), status=201)

    async def _follow(self, request: web.Request) -> web.Response:
        channel = self._channel(request)
        await self._service.newsletters.follow(self._phone(request).account, channel, by=None)
        self._service.store.commit()
        return web.json_response(_describe_channel(channel))

    async def _unfollow(self, request: web.Request) -> web.Response:
        channel = self._channel(request)
        await self._service.newsletters.unfollow(self._phone(request).account, channel, by=None)
        self._service.store.commit()
        return web.json_response(_describe_channel(channel))

    async def _publish(self, request: web.Request) -> web.Response:
        wanted, channel = await read_body(request, NewPost), self._channel(request)
        if channel.record.owner != self._phone(request).account.number:
            raise NotTheOwnerError
        body = E2E.Message(conversation=wanted.body).SerializeToString()
        post = await self._service.newsletters.post(channel, id=new_post_id(), type="text", body=body, by=None)
        self._service.store.commit()
        return web.json_response(_describe_post(post), status=201)

    async def _react(self, request: web.Request) -> web.Response:
        wanted, channel = await read_body(request, PostReaction), self._channel(request)
        post = channel.posts.get(int(request.match_info["post"]))
        if post is None:
            raise MessageUnknownHereError
        await self._service.newsletters.react(self._phone(request).account, channel, post, wanted.emoji)
        self._service.store.commit()
        return web.json_response(_describe_post(post))

    def _phone(self, request: web.Request) -> Phone:
        return self._phones.get(request.match_info["number"])

    def _channel(self, request: web.Request) -> Channel:
        name = request.match_info["channel"].partition("@")[0]
        channel = self._service.newsletters.book.get(Jid(name, NEWSLETTER_SERVER))
        if channel is None:
            raise ChannelUnknownError
        return channel


def _describe_account(phone: Phone) -> dict[str, Json]:
    record = phone.account.record
    return {
        "number": record.number,
        "name": record.name,
        "about": record.about,
        "picture_id": record.picture_id or None,
        "privacy": dict(record.privacy),
        "blocked": list(record.blocked),
    }


def _describe_channel(channel: Channel) -> dict[str, Json]:
    record = channel.record
    return {
        "id": str(channel.jid),
        "name": record.name,
        "description": record.description,
        "invite": record.invite,
        "owner": record.owner,
        "followers": list(record.followers),
        "muted": list(record.muted),
    }


def _describe_post(post: Post) -> dict[str, Json]:
    message = E2E.Message.FromString(post.body)
    text = message.conversation or message.extendedTextMessage.text
    return {
        "server_id": post.server_id,
        "id": post.id,
        "type": post.type,
        "text": {"body": text},
        "viewers": list(post.viewers),
        "reactions": dict(post.reactions),
    }
