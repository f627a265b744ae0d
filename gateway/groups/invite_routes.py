"""Invite links over HTTP: shown, renewed, looked at and followed."""

from __future__ import annotations

from gateway.api.route import Call, route
from gateway.groups.desk import GroupDesk
from gateway.groups.routes import ASKING
from gateway.groups.schemas import InviteOut, InvitePreview, JoinIn, JoinOut
from sessions.commands.groups import (
    FollowInvite,
    GetInviteLink,
    GroupFound,
    InspectInvite,
    InviteFollowed,
    InviteLinkFound,
)

_JOINING = ("session_not_found", "session_not_paired", "session_not_connected", "invalid_request", "refused")


class GroupInviteRoutes:
    """``/api/v1/groups/{id}/invite``, ``/groups/inspect-invite`` and ``/groups/join``."""

    def __init__(self, *, desk: GroupDesk) -> None:
        self._desk = desk

    @route(
        "GET",
        "/api/v1/groups/{id}/invite",
        operation="groups.invite",
        summary="The invite link of a group; only its admins can see it",
        tag="groups",
        gives=InviteOut,
        errors=ASKING,
    )
    async def show(self, call: Call) -> dict[str, object]:
        return await self._link(call, renew=False)

    @route(
        "POST",
        "/api/v1/groups/{id}/invite/revoke",
        operation="groups.revoke_invite",
        summary="Make the invite link useless and get a new one",
        tag="groups",
        gives=InviteOut,
        idempotent_key=True,
        errors=ASKING,
    )
    async def revoke(self, call: Call) -> dict[str, object]:
        return await self._link(call, renew=True)

    @route(
        "POST",
        "/api/v1/groups/inspect-invite",
        operation="groups.inspect_invite",
        summary="Where an invite link leads, without following it",
        tag="groups",
        takes=JoinIn,
        gives=InvitePreview,
        errors=_JOINING,
    )
    async def inspect(self, call: Call) -> dict[str, object]:
        session = await self._desk.session(call.caller, call.body.session)
        answer = await self._desk.ask(session, InspectInvite(code=call.body.invite))
        assert isinstance(answer, GroupFound), "the engine answers InspectInvite with GroupFound"
        found = answer.group
        return {
            "jid": str(found.group.primary),
            "subject": found.subject,
            "description": found.description,
            "is_community": found.is_community,
            "community": str(found.community.primary) if found.community else None,
        }

    @route(
        "POST",
        "/api/v1/groups/join",
        operation="groups.join",
        summary="Follow an invite link",
        tag="groups",
        takes=JoinIn,
        gives=JoinOut,
        idempotent_key=True,
        errors=_JOINING,
    )
    async def join(self, call: Call) -> dict[str, object]:
        session = await self._desk.session(call.caller, call.body.session)
        answer = await self._desk.ask(session, FollowInvite(code=call.body.invite))
        assert isinstance(answer, InviteFollowed), "the engine answers FollowInvite with InviteFollowed"
        shown = await self._desk.file(session, answer.joined, reason="invite") if answer.joined else None
        status = "joined" if shown else "requested"
        return {"status": status, "jid": str(answer.group.primary), "group": shown}

    async def _link(self, call: Call, *, renew: bool) -> dict[str, object]:
        seat = await self._desk.seat(call.caller, call.path["id"])
        answer = await self._desk.ask(seat.session, GetInviteLink(group=seat.address, renew=renew))
        assert isinstance(answer, InviteLinkFound), "the engine answers GetInviteLink with InviteLinkFound"
        return {"link": answer.link}
