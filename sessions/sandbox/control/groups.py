"""The control API's groups: what a person does with them on their phone."""

from __future__ import annotations

from typing import Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from sessions.sandbox.control.bodies import read_body
from sessions.sandbox.phones.phone import Phone
from sessions.sandbox.phones.phones import Phones
from sessions.sandbox.state.groups import AddMode, Group
from sessions.sandbox.wire.node import Node

PREFIX = "/sandbox/v1"


class _Input(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NewGroup(_Input):
    """A group to make; with ``community`` a community, with ``parent`` a group inside one."""

    subject: str
    participants: list[str] = []
    community: bool = False
    parent: str = ""


class GroupChange(_Input):
    """What shall be different; what is left out stays."""

    subject: str | None = None
    description: str | None = None
    announce: bool | None = None
    locked: bool | None = None
    approval: bool | None = None
    member_add_mode: AddMode | None = None
    ephemeral: int | None = None


class People(_Input):
    """Who, and what shall become of them."""

    action: Literal["add", "remove", "promote", "demote", "approve", "reject"]
    numbers: list[str] = Field(min_length=1)


class Join(_Input):
    """An invite link, or its code."""

    code: str = Field(min_length=1)


class GroupControl:
    """Handlers under ``/phones/{number}/groups``."""

    def __init__(self, *, phones: Phones) -> None:
        self._phones = phones

    def routes(self) -> list[web.RouteDef]:
        """What is answered here."""
        groups = f"{PREFIX}/phones/{{number}}/groups"
        group = f"{groups}/{{group}}"
        return [
            web.get(groups, self._list),
            web.post(groups, self._create),
            web.post(f"{groups}/join", self._join),
            web.get(group, self._show),
            web.patch(group, self._change),
            web.put(f"{group}/picture", self._picture),
            web.post(f"{group}/participants", self._people),
            web.post(f"{group}/revoke-invite", self._revoke),
            web.post(f"{group}/leave", self._leave),
        ]

    async def _list(self, request: web.Request) -> web.Response:
        groups = self._phone(request).groups
        return web.json_response({"items": [groups.describe_json(group) for group in groups.list()]})

    async def _create(self, request: web.Request) -> web.Response:
        wanted, groups = await read_body(request, NewGroup), self._phone(request).groups
        group = await groups.create(
            wanted.subject, wanted.participants, community=wanted.community, parent=wanted.parent
        )
        return web.json_response(groups.describe_json(group), status=201)

    async def _join(self, request: web.Request) -> web.Response:
        join = await read_body(request, Join)
        return web.json_response({"id": await self._phone(request).groups.join(join.code)})

    async def _show(self, request: web.Request) -> web.Response:
        return self._answer(request)

    async def _change(self, request: web.Request) -> web.Response:
        change, groups, group = await read_body(request, GroupChange), self._phone(request).groups, self._group(request)
        if change.description is not None:
            await groups.describe(group, change.description)
        for node in _in_the_wires_words(change):
            await groups.change(group, node)
        return self._answer(request)

    async def _picture(self, request: web.Request) -> web.Response:
        await self._phone(request).groups.set_picture(self._group(request), await request.read())
        return self._answer(request)

    async def _people(self, request: web.Request) -> web.Response:
        people, groups, group = await read_body(request, People), self._phone(request).groups, self._group(request)
        if people.action in ("approve", "reject"):
            await groups.decide(group, people.action, people.numbers)
            return web.json_response({"results": dict.fromkeys(people.numbers, 200)})
        return web.json_response({"results": await groups.people(group, people.action, people.numbers)})

    async def _revoke(self, request: web.Request) -> web.Response:
        await self._phone(request).groups.revoke_link(self._group(request))
        return self._answer(request)

    async def _leave(self, request: web.Request) -> web.Response:
        group = self._group(request)
        await self._phone(request).groups.leave(group)
        return web.json_response({"id": str(group.jid)})

    def _answer(self, request: web.Request) -> web.Response:
        return web.json_response(self._phone(request).groups.describe_json(self._group(request)))

    def _phone(self, request: web.Request) -> Phone:
        return self._phones.get(request.match_info["number"])

    def _group(self, request: web.Request) -> Group:
        return self._phone(request).groups.get(request.match_info["group"])


def _in_the_wires_words(change: GroupChange) -> list[Node]:
    words: list[Node] = []
    if change.subject is not None:
        words.append(Node("subject", {}, change.subject.encode()))
    if change.announce is not None:
        words.append(Node("announcement" if change.announce else "not_announcement"))
    if change.locked is not None:
        words.append(Node("locked" if change.locked else "unlocked"))
    if change.approval is not None:
        state = Node("group_join", {"state": "on" if change.approval else "off"})
        words.append(Node("membership_approval_mode", {}, [state]))
    if change.member_add_mode is not None:
        words.append(Node("member_add_mode", {}, change.member_add_mode.value.encode()))
    if change.ephemeral is not None:
        on = Node("ephemeral", {"expiration": change.ephemeral})
        words.append(on if change.ephemeral else Node("not_ephemeral"))
    return words
