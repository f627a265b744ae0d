"""Calls of people of whom a session does not want to hear."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.contacts.models import Contact
from gateway.fleet.models import Session
from gateway.kit.ids import render_id
from sessions.address import Address
from sessions.commands.calls import RejectCall
from tests.calls.conftest import ANNAS, Api, CallWorld
from tests.messages.world import ANNA, BEN, name_of, poll

LID_ONLY = Address(lid=ANNAS.lid)


async def contacts(world: CallWorld) -> list[Contact]:
    return await world.database.read(lambda tx: tx.session.query(Contact).all())


@pytest.mark.parametrize("pattern", [ANNA, "+4915*02", "100000000000002@lid", "*@lid", "4915110000002@s.whatsapp.net"])
async def test_their_calls_are_neither_kept_nor_told(world: CallWorld, shop: Session, api: Api, pattern: str) -> None:
    await world.set_up(shop, ignore={"chats": [pattern]})

    await world.hear(shop, world.fact("offer"), world.fact("terminate", reason="timeout"))

    assert await api.listed() == []
    assert await world.types() == []
    assert await contacts(world) == []


async def test_a_known_number_is_meant_also_where_whatsapp_names_only_the_lid(
    world: CallWorld, shop: Session, api: Api
) -> None:
    await world.database.write(lambda tx: world.contacts.identify(tx, org_id=1, address=ANNAS))
    await world.set_up(shop, ignore={"chats": [ANNA]})

    await world.hear(shop, world.fact("offer", caller=LID_ONLY))

    assert await api.listed() == []


async def test_everybody_else_rings(world: CallWorld, shop: Session, api: Api) -> None:
    await world.set_up(shop, ignore={"chats": [BEN, "+49300*"], "groups": True, "status": True})

    await world.hear(shop, world.fact("offer"))

    assert [call["phone"] for call in await api.listed()] == [ANNA]
    assert await world.types() == ["call.received"]


async def test_a_call_that_rang_before_it_was_ignored_is_followed_to_its_end(
    world: CallWorld, shop: Session, api: Api
) -> None:
    await world.hear(shop, world.fact("offer"))
    await world.set_up(shop, ignore={"chats": [ANNA]})

    await world.hear(shop, world.fact("terminate", reason="timeout"))

    assert [call["state"] for call in await api.listed()] == ["missed"]


async def test_who_is_ignored_is_left_to_the_phone_where_others_are_declined(
    world: CallWorld, shop: Session, api: Api
) -> None:
    await world.set_up(shop, ignore={"chats": [ANNA]}, calls={"reject": True, "text": "Please write."})

    ignored = world.engine.ring(name_of(shop), ANNA)
    declined = world.engine.ring(name_of(shop), BEN)

    async def is_declined() -> Any:
        return [one["state"] for one in await api.listed()] == ["rejected"]

    await poll(is_declined)
    asked = [one for one in world.engine.asked(name_of(shop)) if isinstance(one, RejectCall)]
    assert [one.call_id for one in asked] == [declined]
    assert (world.engine.call_state(ignored), world.engine.call_state(declined)) == ("ringing", "rejected")
    [written] = await world.all(direction="out")
    assert [render_id("con", row.id) for row in await contacts(world)] == [(await api.listed())[0]["contact"]]
    assert written.contact is not None
    assert written.contact.phone == BEN
