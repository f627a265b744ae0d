"""Communities over HTTP: which groups are in one, put in and taken out."""

from __future__ import annotations

from functools import partial

from gateway.api.route import Call, route
from gateway.db.tx import Tx
from gateway.groups.desk import GroupDesk, Seat
from gateway.groups.routes import ASKING
from gateway.groups.schemas import GroupDetail, LinkIn, SubGroupsOut
from gateway.kit.ids import render_id
from sessions.commands.groups import LinkGroup, ListSubGroups, SubGroupsListed, UnlinkGroup
from sessions.groups import GroupSummary


class CommunityRoutes:
    """``/api/v1/groups/{id}/groups``, where ``id`` is a community's."""

    def __init__(self, *, desk: GroupDesk) -> None:
        self._desk = desk

    @route(
        "GET",
        "/api/v1/groups/{id}/groups",
        operation="groups.sub_groups",
        summary="List the groups of a community",
        tag="groups",
        gives=SubGroupsOut,
        errors=ASKING,
    )
    async def sub_groups(self, call: Call) -> dict[str, object]:
        seat = await self._desk.seat(call.caller, call.path["id"])
        answer = await self._desk.ask(seat.session, ListSubGroups(community=seat.address))
        assert isinstance(answer, SubGroupsListed), "the engine answers ListSubGroups with SubGroupsListed"
        return {"items": await self._desk.database.read(partial(self._show, seat, answer.groups))}

    @route(
        "POST",
        "/api/v1/groups/{id}/groups",
        operation="groups.link",
        summary="Put a group into a community",
        tag="groups",
        takes=LinkIn,
        gives=GroupDetail,
        idempotent_key=True,
        errors=ASKING,
    )
    async def link(self, call: Call) -> dict[str, object]:
        community = await self._desk.seat(call.caller, call.path["id"])
        group = await self._desk.seat(call.caller, call.body.group)
        await self._desk.ask(community.session, LinkGroup(community=community.address, group=group.address))
        return await self._desk.look_again(group)

    @route(
        "DELETE",
        "/api/v1/groups/{id}/groups/{group}",
        operation="groups.unlink",
        summary="Take a group out of a community",
        tag="groups",
        errors=ASKING,
    )
    async def unlink(self, call: Call) -> None:
        community = await self._desk.seat(call.caller, call.path["id"])
        group = await self._desk.seat(call.caller, call.path["group"])
        await self._desk.ask(community.session, UnlinkGroup(community=community.address, group=group.address))
        await self._desk.look_again(group)

    def _show(self, seat: Seat, found: tuple[GroupSummary, ...], tx: Tx) -> list[dict[str, object]]:
        items = []
        for one in found:
            known = self._desk.groups.find_at(tx, seat.session, one.group)
            items.append(
                {
                    "jid": str(one.group.primary),
                    "subject": one.subject,
                    "is_announcements": one.is_announcements,
                    "group": render_id("cht", known.chat_id) if known and known.is_member else None,
                }
            )
        return items
