"""What becomes of calls, as it is kept, told and listed."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.db.tx import Tx
from gateway.fleet.models import Session
from gateway.kit.ids import render_id
from gateway.principal import Principal, PrincipalKind
from sessions.address import Address, Jid
from sessions.commands.calls import RejectCall
from tests.calls.conftest import ANNAS, Api, CallWorld
from tests.conftest import add_org
from tests.messages.world import ANNA, BEN, PRINCIPAL, name_of, poll

NUMBER_ONLY, LID_ONLY = Address(pn=ANNAS.pn), Address(lid=ANNAS.lid)


@pytest.mark.parametrize(
    ("facts", "states"),
    [
        ([("terminate", "timeout")], ["missed"]),
        ([("terminate", "")], ["missed"]),
        ([("terminate", "accepted_elsewhere")], ["accepted"]),
        ([("terminate", "rejected_elsewhere")], ["rejected"]),
        ([("accept", ""), ("terminate", "hangup")], ["accepted", "ended"]),
        ([("terminate", "accepted_elsewhere"), ("terminate", "hangup")], ["accepted", "ended"]),
    ],
)
@pytest.mark.parametrize("times", [1, 2])
async def test_each_step_is_told_once_however_often_it_is_reported(
    world: CallWorld, shop: Session, api: Api, facts: list[tuple[str, str]], states: list[str], times: int
) -> None:
    for phase, reason in [("offer", ""), *facts]:
        await world.hear(shop, *[world.fact(phase, reason=reason, video=phase == "offer")] * times)
        world.advance(5)

    [call] = await api.listed()
    assert (call["state"], call["video"]) == (states[-1], True)
    assert (call["ended_at"] is None) == (states[-1] == "accepted")
    assert await world.types() == ["call.received", *(f"call.{state}" for state in states)]


async def test_a_call_says_who_rings_under_every_name(world: CallWorld, shop: Session, api: Api) -> None:
    await world.hear(shop, world.fact("offer"))

    [call] = await api.listed()

    lid = str(ANNAS.lid)
    assert (call["phone"], call["jid"], call["lid"], call["state"]) == (ANNA, lid, lid, "ringing")
    assert call["session"] == name_of(shop)
    [told] = await world.told("call.received")
    assert told.data == call
    contact: Any = await world.database.read(lambda tx: world.contacts.find_by_address(tx, org_id=1, address=LID_ONLY))
    assert call["contact"] == render_id("con", contact.id)


async def test_two_names_that_turn_out_to_be_one_person_take_their_calls_along(
    world: CallWorld, shop: Session, api: Api
) -> None:
    await world.hear(shop, world.fact("offer", "A", NUMBER_ONLY), world.fact("offer", "B", LID_ONLY))
    assert len({call["contact"] for call in await api.listed()}) == 2

    await world.hear(shop, world.fact("offer", "C", ANNAS))

    calls = await api.listed()
    assert len({call["contact"] for call in calls}) == 1
    assert {call["phone"] for call in calls} == {ANNA}


@pytest.mark.parametrize("phase", ["accept", "terminate"])
async def test_what_comes_before_the_call_rings_is_left_aside(
    world: CallWorld, shop: Session, api: Api, phase: str
) -> None:
    await world.hear(shop, world.fact(phase))
    assert await api.listed() == []

    await world.hear(shop, world.fact("offer"))

    assert [call["state"] for call in await api.listed()] == ["ringing"]


async def test_what_is_over_stays_so(world: CallWorld, shop: Session, api: Api) -> None:
    await world.hear(shop, world.fact("offer"), world.fact("terminate", reason="timeout"))
    before = await api.listed()

    await world.hear(shop, world.fact("accept"), world.fact("offer"), world.fact("terminate", reason="hangup"))

    assert await api.listed() == before
    assert await world.types() == ["call.received", "call.missed"]


async def test_a_call_never_ends_before_it_began(world: CallWorld, shop: Session, api: Api) -> None:
    offer = world.fact("offer")
    await world.hear(shop, offer, world.fact("terminate", timestamp=offer.timestamp - 1))

    [call] = await api.listed()
    assert call["ended_at"] == call["offered_at"]


async def test_of_others_than_people_and_of_odd_ids_nothing_breaks(world: CallWorld, shop: Session, api: Api) -> None:
    group = Address.of(Jid.parse("120363000000000001@g.us"))
    odd = "A\x00" + "B" * 300

    await world.hear(shop, world.fact("offer", "G", group), world.fact("offer", "N", Address()))
    await world.hear(shop, world.fact("offer", odd), world.fact("terminate", odd))

    assert [call["state"] for call in await api.listed()] == ["missed"]


async def test_a_call_is_declined_on_request_and_only_once(world: CallWorld, shop: Session, api: Api) -> None:
    call_id = world.engine.ring(name_of(shop), ANNA)
    [ringing] = await poll(api.listed)
    path = f"/sessions/shop/calls/{ringing['id']}/reject"

    declined = await api.ask("POST", path)
    again = await api.ask("POST", path, status=409)

    assert (declined["state"], again["code"]) == ("rejected", "call_over")
    assert world.engine.call_state(call_id) == "rejected"
    assert await api.listed() == [declined]
    assert await world.types() == ["call.received", "call.rejected"]


async def test_a_call_that_nobody_can_decline_rings_on(world: CallWorld, shop: Session, api: Api) -> None:
    await world.hear(shop, world.fact("offer"))
    [ringing] = await api.listed()
    world.engine.drop(name_of(shop))
    await world.session_when(shop.id, lambda row: row.status == "reconnecting")

    refused = await api.ask("POST", f"/sessions/shop/calls/{ringing['id']}/reject", status=409)

    assert refused["code"] == "session_not_connected"
    assert await api.listed() == [ringing]


async def test_a_session_declines_by_itself_and_writes_to_who_called(world: CallWorld, shop: Session, api: Api) -> None:
    await world.set_up(shop, calls={"reject": True, "text": "Please write."})

    call_id = world.engine.ring(name_of(shop), ANNA)

    async def written() -> Any:
        return await world.all(direction="out")

    [entry] = await poll(written)
    assert entry.contact is not None
    assert (entry.contact.phone, entry.message.purpose) == (ANNA, "reply")
    assert world.engine.call_state(call_id) == "rejected"
    assert [call["state"] for call in await api.listed()] == ["rejected"]
    assert await world.types() == ["call.received", "call.rejected"]


async def test_without_a_text_nothing_is_written_and_old_calls_are_let_be(
    world: CallWorld, shop: Session, api: Api
) -> None:
    await world.set_up(shop, calls={"reject": True})

    old = world.engine.ring(name_of(shop), BEN, seconds_ago=600)
    new = world.engine.ring(name_of(shop), ANNA)

    async def declined() -> bool:
        return "rejected" in [call["state"] for call in await api.listed()]

    await poll(declined)
    asked = [one.call_id for one in world.engine.asked(name_of(shop)) if isinstance(one, RejectCall)]
    assert asked == [new]
    assert world.engine.call_state(old) == "ringing"
    assert await world.all(direction="out") == []


async def test_calls_are_listed_page_by_page_newest_first(world: CallWorld, shop: Session, api: Api) -> None:
    for number in range(5):
        await world.hear(shop, world.fact("offer", f"CALL{number}"))
        world.advance(1)
    every = await api.listed()

    pages, after = [], ""
    for _ in range(3):
        page = await api.ask("GET", f"/sessions/shop/calls?limit=2{after}")
        pages.append(page["items"])
        after = f"&after={page['next']}"

    assert [len(page) for page in pages] == [2, 2, 1]
    assert page["next"] is None
    assert [call for page in pages for call in page] == every
    offered = [call["offered_at"] for call in every]
    assert offered == sorted(offered, reverse=True)


async def test_calls_of_one_session_and_of_one_organization_are_no_others(
    world: CallWorld, shop: Session, api: Api, clock: Any
) -> None:
    stranger = Principal(org_id=2, kind=PrincipalKind.SYSTEM, subject_id=None, scopes=("*",))

    def add(tx: Tx) -> Session:
        add_org(tx, clock, org_id=2)
        tx.session.flush()
        world.sessions.create(tx, PRINCIPAL, name="desk")
        return world.sessions.create(tx, stranger, name="shop")

    theirs = await world.database.write(add)
    await world.hear(shop, world.fact("offer"))
    await world.hear(theirs, world.fact("offer"))  # the same id: WhatsApp's ids are the callers'

    [ours] = await api.listed()
    assert ours["session"] == name_of(shop)
    assert await api.listed("desk") == []
    found = await world.database.read(lambda tx: world.calls.page(tx, theirs, limit=10, before_id=None))
    foreign = render_id("cal", found[0][0].id)
    for session, call, code in (
        ("shop", foreign, "call_not_found"),
        ("desk", ours["id"], "call_not_found"),
        (name_of(theirs), foreign, "session_not_found"),
        ("shop", "nonsense", "call_not_found"),
    ):
        refused = await api.ask("POST", f"/sessions/{session}/calls/{call}/reject", status=404)
        assert refused["code"] == code
    assert (await api.ask("GET", f"/sessions/{name_of(theirs)}/calls", status=404))["code"] == "session_not_found"
    await world.hear(theirs, world.fact("terminate", reason="timeout"))
    assert await api.listed() == [ours]
