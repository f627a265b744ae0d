"""Calls of which nothing more is heard."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.fleet.models import Session
from gateway.kit.times import render_time
from tests.calls.conftest import Api, CallWorld


async def test_a_call_of_which_nothing_is_heard_for_two_minutes_is_missed_and_told_once(
    world: CallWorld, shop: Session, api: Api
) -> None:
    ender = world.ender()
    await world.hear(shop, world.fact("offer"))
    began = world.clock.now()

    world.advance(119)
    assert await ender.run_once() == 120.0, "it has just begun"
    world.advance(119)
    assert await ender.run_once() == 1.0
    assert await world.types() == ["call.received"]
    world.advance(30)
    for _ in range(2):
        await ender.run_once()

    [call] = await api.listed()
    assert call["state"] == "missed"
    assert call["ended_at"] == render_time(began.replace(minute=began.minute + 2))
    assert await world.types() == ["call.received", "call.missed"]
    [told] = await world.told("call.missed")
    assert told.data == call


async def test_also_when_the_gateway_was_down_meanwhile_but_not_before_it_could_hear_the_truth(
    world: CallWorld, shop: Session, api: Api
) -> None:
    await world.hear(shop, world.fact("offer", "LOST"), world.fact("offer", "TAKEN"))
    world.advance(86_400)
    ender = world.ender()

    assert await ender.run_once() == 120.0
    await world.hear(shop, world.fact("terminate", "TAKEN", reason="accepted_elsewhere"))
    world.advance(120)
    await ender.run_once()

    assert [call["state"] for call in await api.listed()] == ["accepted", "missed"]
    assert await world.types() == ["call.received", "call.received", "call.accepted", "call.missed"]


@pytest.mark.parametrize("state", ["accepted", "rejected"])
async def test_what_the_phone_did_about_it_may_be_heard_late(
    world: CallWorld, shop: Session, api: Api, state: str
) -> None:
    ender = world.ender()
    await ender.run_once()
    await world.hear(shop, world.fact("offer"))
    world.advance(200)
    await ender.run_once()

    for _ in range(2):
        await world.hear(shop, world.fact("terminate", reason=f"{state}_elsewhere"))

    [call] = await api.listed()
    assert (call["state"], call["ended_at"] is None) == (state, state == "accepted")
    assert await world.types() == ["call.received", "call.missed", f"call.{state}"]


async def test_calls_that_are_over_or_answered_stay_as_they_are(world: CallWorld, shop: Session, api: Api) -> None:
    await world.hear(shop, world.fact("offer", "A"), world.fact("offer", "B"), world.fact("offer", "C"))
    await world.hear(shop, world.fact("accept", "A"), world.fact("terminate", "B", reason="rejected_elsewhere"))
    await world.hear(shop, world.fact("accept", "C"), world.fact("terminate", "C"))
    before, ender = await api.listed(), world.ender()

    for _ in range(2):
        await ender.run_once()
        world.advance(86_400)

    assert await api.listed() == before
    assert [call["state"] for call in before] == ["ended", "rejected", "accepted"]


async def test_however_many_there_are_all_come_to_an_end(
    world: CallWorld, shop: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.calls.ender._BITE", 2)
    ender = world.ender()
    await ender.run_once()
    await world.hear(shop, *(world.fact("offer", f"CALL{number}") for number in range(5)))
    world.advance(130)

    delays: list[Any] = [await ender.run_once() for _ in range(3)]

    assert delays == [0.0, 0.0, None]
    assert (await world.types())[5:] == ["call.missed"] * 5


async def test_it_happens_by_itself(world: CallWorld, shop: Session, eventually: Any) -> None:
    ender = world.ender()
    await ender.run_once()
    await world.hear(shop, world.fact("offer"))
    world.advance(130)

    await ender.start()

    async def is_told() -> bool:
        return await world.types() == ["call.received", "call.missed"]

    await eventually(is_told)
    await ender.stop()
    assert ender.failure is None
