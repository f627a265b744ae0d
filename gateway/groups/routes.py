"""Groups over HTTP: the list, one of them, new ones, and what they are called and allow."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from gateway.api.fields import id_in_path
from gateway.api.paging import page_of
from gateway.api.route import Call, route
from gateway.db.tx import Tx
from gateway.fleet.service import Sessions
from gateway.groups.desk import GroupDesk, Seat
from gateway.groups.errors import unsupported
from gateway.groups.models import Group
from gateway.groups.render import render_group
from gateway.groups.schemas import (
    CreatedGroup,
    GroupChangeIn,
    GroupDetail,
    GroupIn,
    GroupPage,
    GroupQuery,
    PictureIn,
)
from gateway.media.library import MediaLibrary
from gateway.principal import Principal
from sessions.address import Address
from sessions.capabilities import Capability
from sessions.commands.groups import ChangeGroup, CreateGroup, GroupFound, LeaveGroup, SetGroupPicture
from sessions.groups import GroupInfo

#: What every route may answer that speaks with WhatsApp about one group.
ASKING = ("group_not_found", "not_in_group", "session_not_running", "session_not_connected", "refused")
_SETTINGS = ("subject", "description", "announce", "locked", "ephemeral_seconds")


class GroupRoutes:
    """``/api/v1/groups``."""

    def __init__(self, *, desk: GroupDesk, sessions: Sessions, library: MediaLibrary) -> None:
        self._desk = desk
        self._sessions = sessions
        self._library = library

    @route(
        "GET",
        "/api/v1/groups",
        operation="groups.list",
        summary="List groups, those that became known last first",
        tag="groups",
        query=GroupQuery,
        gives=GroupPage,
        errors=("session_not_found",),
    )
    async def list(self, call: Call) -> dict[str, object]:
        principal, query = call.caller, call.query
        position = query.position()

        def read(tx: Tx) -> Sequence[Group]:
            session_id = None if query.session is None else self._sessions.get(tx, principal, query.session).id
            groups, limit = self._desk.groups, query.limit + 1
            return groups.page(tx, principal, limit=limit, session_id=session_id, before_id=position, left=query.left)

        rows = await self._desk.database.read(read)
        kept, following = page_of(rows, limit=query.limit, position=lambda group: group.chat_id)
        return {"items": [render_group(group) for group in kept], "next": following}

    @route(
        "POST",
        "/api/v1/groups",
        operation="groups.create",
        summary="Make a group, a community, or a group inside a community",
        tag="groups",
        takes=GroupIn,
        gives=CreatedGroup,
        status=201,
        idempotent_key=True,
        errors=("session_not_found", "session_not_paired", "session_not_connected", "recipient_invalid", "refused"),
    )
    async def create(self, call: Call) -> dict[str, object]:
        principal, wanted = call.caller, call.body
        session = await self._desk.session(principal, wanted.session)
        people = await self._desk.people(principal, wanted.participants)
        community = None
        if wanted.community is not None:
            community = (await self._desk.seat(principal, wanted.community)).address
        command = CreateGroup(
            subject=wanted.subject, members=tuple(people), is_community=wanted.is_community, community=community
        )
        answer = await self._desk.ask(session, command)
        assert isinstance(answer, GroupFound), "the engine answers CreateGroup with GroupFound"
        shown = await self._desk.file(session, answer.group)
        if wanted.description:
            change = ChangeGroup(group=answer.group.group, description=wanted.description)
            await self._desk.ask(session, change)
            shown = await self._desk.look_again(await self._desk.seat(principal, str(shown["id"])))
        missing = [
            given for given, who in zip(wanted.participants, people, strict=True) if not _is_in(answer.group, who)
        ]
        return {**shown, "not_added": missing}

    @route(
        "GET",
        "/api/v1/groups/{id}",
        operation="groups.read",
        summary="Read a group with its members",
        tag="groups",
        description="`id` is that of the group's chat, or its address on WhatsApp. What is kept here is fresh: "
        "changes are followed as they happen, and everything is looked at again at every connection.",
        gives=GroupDetail,
        errors=("group_not_found",),
    )
    async def read(self, call: Call) -> dict[str, object]:
        return await self._desk.database.read(partial(self._show, call.caller, call.path["id"]))

    @route(
        "PATCH",
        "/api/v1/groups/{id}",
        operation="groups.update",
        summary="Change a group: name, description, who may write and change it, disappearing messages",
        tag="groups",
        takes=GroupChangeIn,
        gives=GroupDetail,
        errors=(*ASKING, "engine_unsupported"),
    )
    async def update(self, call: Call) -> dict[str, object]:
        wanted = call.body
        seat = await self._desk.seat(call.caller, call.path["id"])
        if wanted.member_add_mode is not None:
            raise unsupported(Capability.GROUPS_ADD_MODE)
        if wanted.join_approval is not None:
            raise unsupported(Capability.GROUPS_APPROVAL)
        changes = {name: value for name in _SETTINGS if (value := getattr(wanted, name)) is not None}
        if changes:
            await self._desk.ask(seat.session, ChangeGroup(group=seat.address, **changes))
        return await self._desk.look_again(seat)

    @route(
        "PUT",
        "/api/v1/groups/{id}/picture",
        operation="groups.set_picture",
        summary="Change the picture of a group",
        tag="groups",
        takes=PictureIn,
        errors=(*ASKING, "media_not_found", "media_store_unavailable", "invalid_request"),
    )
    async def set_picture(self, call: Call) -> None:
        principal, media_id = call.caller, id_in_path("med", call.body.media_id, code="media_not_found")
        seat = await self._desk.seat(principal, call.path["id"])
        media = await self._desk.database.read(
            lambda tx: self._library.get(tx, org_id=principal.org_id, media_id=media_id)
        )
        jpeg = await self._library.read_whole(media)
        await self._desk.ask(seat.session, SetGroupPicture(group=seat.address, jpeg=jpeg))

    @route(
        "DELETE",
        "/api/v1/groups/{id}/picture",
        operation="groups.remove_picture",
        summary="Remove the picture of a group (the engine cannot)",
        tag="groups",
        errors=("group_not_found", "engine_unsupported"),
    )
    async def remove_picture(self, call: Call) -> None:
        await self._desk.seat(call.caller, call.path["id"])
        raise unsupported(Capability.GROUPS_PICTURE_REMOVE)

    @route(
        "POST",
        "/api/v1/groups/{id}/leave",
        operation="groups.leave",
        summary="Leave a group",
        tag="groups",
        errors=ASKING,
    )
    async def leave(self, call: Call) -> None:
        seat = await self._desk.seat(call.caller, call.path["id"])
        await self._desk.ask(seat.session, LeaveGroup(group=seat.address))
        await self._desk.database.write(partial(self._note_left, seat))

    def _note_left(self, seat: Seat, tx: Tx) -> None:
        group = self._desk.groups.find_at(tx, seat.session, seat.address)
        if group is not None:
            self._desk.groups.gone(tx, group, "left")

    def _show(self, principal: Principal, reference: str, tx: Tx) -> dict[str, object]:
        group = self._desk.groups.get(tx, principal, reference)
        return render_group(group, self._desk.groups.members(tx, group))


def _is_in(info: GroupInfo, who: Address) -> bool:
    return any({member.who.pn, member.who.lid} & ({who.pn, who.lid} - {None}) for member in info.members)
