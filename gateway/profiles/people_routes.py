"""Other people over HTTP: what they tell of themselves, their names, who is blocked and who is there."""

from __future__ import annotations

from gateway.api.route import Call, route
from gateway.kit.errors import NotFoundError
from gateway.profiles.asking import SESSION_ERRORS, Asking
from gateway.profiles.schemas import (
    BlocklistOut,
    NameOut,
    NamesIn,
    NamesOut,
    PersonOut,
    PresenceIn,
    SubscriptionIn,
    render_name,
    render_person,
)
from sessions.commands.account import (
    BlocklistFound,
    FetchBlocklist,
    FetchPeople,
    LookUpNames,
    NamesFound,
    PeopleFound,
    SetBlocked,
)
from sessions.commands.people import FetchPicture, PictureFound
from sessions.commands.presence import SetPresence, SubscribePresence

_ONE = "/api/v1/sessions/{session}"
_BLOCKED = f"{_ONE}/blocklist/{{who}}"
_ASKED = (*SESSION_ERRORS, "recipient_invalid", "contact_not_found", "refused", "whatsapp_busy", "outcome_unknown")


class PeopleRoutes:
    """``{who}`` is a phone number, a contact's id, a JID or a LID."""

    def __init__(self, *, asking: Asking) -> None:
        self._asking = asking

    @route(
        "GET",
        f"{_ONE}/people/{{who}}",
        operation="people.read",
        summary="Read what somebody tells of themselves",
        tag="people",
        gives=PersonOut,
        errors=(*_ASKED, "person_not_found"),
    )
    async def read(self, call: Call) -> dict[str, object]:
        session = await self._asking.session(call.caller, call.path["session"])
        who = await self._asking.person(call.caller, call.path["who"])
        found = await self._asking.ask(session, FetchPeople(who=(who,)))
        assert isinstance(found, PeopleFound), "the engine answers FetchPeople with PeopleFound"
        person = next((one for one in found.people if one.devices or one.about), None)
        if person is None:
            raise NotFoundError("Nobody is on WhatsApp under this address.", code="person_not_found")
        picture = await self._asking.ask(session, FetchPicture(who=person.address, preview=False))
        assert isinstance(picture, PictureFound), "the engine answers FetchPicture with PictureFound"
        return render_person(person, picture_url=picture.url)

    @route(
        "GET",
        f"{_ONE}/lids/{{who}}",
        operation="people.lid",
        summary="Find the LID of a number, or the number of a LID",
        tag="people",
        scope="people.lids",
        gives=NameOut,
        errors=_ASKED,
        description="The number behind a LID is known once WhatsApp has told it, for instance with a message.",
    )
    async def name(self, call: Call) -> dict[str, object]:
        session = await self._asking.session(call.caller, call.path["session"])
        who = await self._asking.person(call.caller, call.path["who"])
        found = await self._asking.ask(session, LookUpNames(who=(who,), ask=True))
        assert isinstance(found, NamesFound), "the engine answers LookUpNames with NamesFound"
        return render_name(found.people[0])

    @route(
        "POST",
        f"{_ONE}/lids",
        operation="people.lids",
        summary="Find the LIDs of numbers and the numbers of LIDs",
        tag="people",
        takes=NamesIn,
        gives=NamesOut,
        errors=_ASKED,
    )
    async def names(self, call: Call) -> dict[str, object]:
        body: NamesIn = call.body
        session = await self._asking.session(call.caller, call.path["session"])
        who = await self._asking.people(call.caller, body.who, field="who")
        found = await self._asking.ask(session, LookUpNames(who=tuple(who), ask=body.ask))
        assert isinstance(found, NamesFound), "the engine answers LookUpNames with NamesFound"
        return {"items": [render_name(one) for one in found.people]}

    @route(
        "GET",
        f"{_ONE}/blocklist",
        operation="blocklist.list",
        summary="List whom the linked account has blocked",
        tag="blocklist",
        gives=BlocklistOut,
        errors=_ASKED,
    )
    async def blocklist(self, call: Call) -> dict[str, object]:
        session = await self._asking.session(call.caller, call.path["session"])
        return _blocklist(await self._asking.ask(session, FetchBlocklist()))

    @route(
        "PUT",
        _BLOCKED,
        operation="blocklist.block",
        summary="Block somebody on WhatsApp",
        tag="blocklist",
        gives=BlocklistOut,
        errors=(*_ASKED, "recipient_unknown"),
        description="They can no longer write to or call the account. Blocking a contact "
        "(`POST /contacts/{id}/block`) is another thing: it holds back what is sent to them.",
    )
    async def block(self, call: Call) -> dict[str, object]:
        return await self._set_blocked(call, blocked=True)

    @route(
        "DELETE",
        _BLOCKED,
        operation="blocklist.unblock",
        summary="Unblock somebody on WhatsApp",
        tag="blocklist",
        gives=BlocklistOut,
        errors=(*_ASKED, "recipient_unknown"),
    )
    async def unblock(self, call: Call) -> dict[str, object]:
        return await self._set_blocked(call, blocked=False)

    @route(
        "PUT",
        f"{_ONE}/presence",
        operation="presence.set",
        summary="Show the linked account as online, or no longer",
        tag="presence",
        takes=PresenceIn,
        errors=(*SESSION_ERRORS, "invalid_request"),
        description="WhatsApp tells of others only while the account is online itself. Online, the phone may show "
        "no notifications.",
    )
    async def set_presence(self, call: Call) -> None:
        session = await self._asking.session(call.caller, call.path["session"])
        await self._asking.ask(session, SetPresence(available=call.body.available))

    @route(
        "POST",
        f"{_ONE}/presence/subscriptions",
        operation="presence.subscribe",
        summary="Hear when somebody is online",
        tag="presence",
        takes=SubscriptionIn,
        errors=_ASKED,
        description="From now on `presence.updated` tells of this person, until the session connects anew. The "
        "account itself must be online.",
    )
    async def subscribe(self, call: Call) -> None:
        session = await self._asking.session(call.caller, call.path["session"])
        who = await self._asking.person(call.caller, call.body.to, field="to")
        await self._asking.ask(session, SubscribePresence(who=who))

    async def _set_blocked(self, call: Call, *, blocked: bool) -> dict[str, object]:
        session = await self._asking.session(call.caller, call.path["session"])
        who = await self._asking.person(call.caller, call.path["who"])
        return _blocklist(await self._asking.ask(session, SetBlocked(who=who, blocked=blocked)))


def _blocklist(answer: object) -> dict[str, object]:
    assert isinstance(answer, BlocklistFound), "the engine answers with the list"
    return {"items": [render_name(who) for who in answer.people]}
