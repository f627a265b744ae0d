"""Who is in a group, over HTTP: added, removed, promoted, demoted, waiting to be let in, and as a table."""

from __future__ import annotations

from functools import partial

from aiohttp import web

from gateway.api.route import Call, route
from gateway.contacts.models import Contact
from gateway.db.tx import Tx
from gateway.groups.desk import GroupDesk
from gateway.groups.errors import unsupported
from gateway.groups.export import write_table
from gateway.groups.outcomes import render_outcome
from gateway.groups.render import render_person
from gateway.groups.routes import ASKING
from gateway.groups.schemas import AnswerIn, JoinRequestsOut, OutcomesOut, PeopleIn
from gateway.groups.store import Person
from gateway.kit.times import from_epoch, render_time
from gateway.principal import Principal
from sessions.address import Address
from sessions.capabilities import Capability
from sessions.commands.groups import ChangeMembers, JoinRequestsListed, ListJoinRequests, MembersChanged
from sessions.groups import JoinRequest, MemberOutcome


class GroupMemberRoutes:
    """``/api/v1/groups/{id}/participants`` and ``/join-requests``."""

    def __init__(self, *, desk: GroupDesk) -> None:
        self._desk = desk

    @route(
        "POST",
        "/api/v1/groups/{id}/participants",
        operation="groups.change_participants",
        summary="Add, remove, promote or demote people, with an outcome for each",
        tag="groups",
        description="Answers 200 even where nobody could be added: look at each outcome. Who does not let others add "
        "them comes with an `invitation`.",
        takes=PeopleIn,
        gives=OutcomesOut,
        idempotent_key=True,
        errors=(*ASKING, "recipient_invalid"),
    )
    async def change(self, call: Call) -> dict[str, object]:
        principal, wanted = call.caller, call.body
        seat = await self._desk.seat(principal, call.path["id"])
        people = await self._desk.people(principal, wanted.participants)
        command = ChangeMembers(group=seat.address, action=wanted.action, members=tuple(people))
        answer = await self._desk.ask(seat.session, command)
        assert isinstance(answer, MembersChanged), "the engine answers ChangeMembers with MembersChanged"
        await self._desk.look_again(seat)
        pairs = list(zip(wanted.participants, people, strict=True))
        return {"results": await self._desk.database.read(partial(self._results, principal, pairs, answer.outcomes))}

    @route(
        "GET",
        "/api/v1/groups/{id}/participants.csv",
        operation="groups.export",
        summary="The members of a group as a table",
        tag="groups",
        scope="groups.read",
        content_types=("text/csv",),
        description="UTF-8, with a heading. Cells that a spreadsheet would take for a formula begin with an apostrophe.",
        errors=("group_not_found",),
    )
    async def export(self, call: Call) -> web.Response:
        people = await self._desk.database.read(partial(self._people, call.caller, call.path["id"]))
        headers = {"Content-Disposition": 'attachment; filename="participants.csv"'}
        return web.Response(
            body=write_table(people).encode(), content_type="text/csv", charset="utf-8", headers=headers
        )

    @route(
        "GET",
        "/api/v1/groups/{id}/join-requests",
        operation="groups.join_requests",
        summary="List who asks to be let in",
        tag="groups",
        gives=JoinRequestsOut,
        errors=ASKING,
    )
    async def requests(self, call: Call) -> dict[str, object]:
        principal = call.caller
        seat = await self._desk.seat(principal, call.path["id"])
        answer = await self._desk.ask(seat.session, ListJoinRequests(group=seat.address))
        assert isinstance(answer, JoinRequestsListed), "the engine answers ListJoinRequests with JoinRequestsListed"
        items = await self._desk.database.write(partial(self._asked, principal, answer.requests))
        return {"items": items}

    @route(
        "POST",
        "/api/v1/groups/{id}/join-requests",
        operation="groups.answer_join_requests",
        summary="Let people in or turn them away (the engine cannot)",
        tag="groups",
        takes=AnswerIn,
        errors=("group_not_found", "engine_unsupported"),
    )
    async def answer(self, call: Call) -> None:
        await self._desk.seat(call.caller, call.path["id"])
        raise unsupported(Capability.GROUPS_REQUESTS)

    def _results(
        self, principal: Principal, pairs: list[tuple[str, Address]], outcomes: tuple[MemberOutcome, ...], tx: Tx
    ) -> list[dict[str, object]]:
        rendered = []
        for given, who in pairs:
            outcome = next((one for one in outcomes if _same(one.who, who)), None)
            address = outcome.who if outcome is not None else who
            contact = self._desk.contacts.find_by_address(tx, org_id=principal.org_id, address=address)
            rendered.append(render_outcome(given, address, outcome, contact))
        return rendered

    def _asked(self, principal: Principal, requests: tuple[JoinRequest, ...], tx: Tx) -> list[dict[str, object]]:
        found: list[tuple[Contact, JoinRequest]] = [
            (self._desk.contacts.identify(tx, org_id=principal.org_id, address=one.who), one) for one in requests
        ]
        return [{**render_person(who), "asked_at": render_time(from_epoch(one.asked_at))} for who, one in found]

    def _people(self, principal: Principal, reference: str, tx: Tx) -> list[Person]:
        group = self._desk.groups.get(tx, principal, reference)
        return list(self._desk.groups.members(tx, group))


def _same(one: Address, other: Address) -> bool:
    return bool({one.pn, one.lid} & ({other.pn, other.lid} - {None}))
