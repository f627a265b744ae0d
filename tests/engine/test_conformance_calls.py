"""What every engine does about calls, the one in memory as well as the real one."""

from __future__ import annotations

from pathlib import Path

import pytest

from sessions.address import Address, Jid
from sessions.commands.base import Done
from sessions.commands.calls import RejectCall
from sessions.errors import InvalidRequestError
from sessions.events import CallReceived
from tests.engine.worlds import World, link, spec_for

GROUP = Address.of(Jid.parse("120363000000000001@g.us"))


async def rung(world: World, tmp_path: Path, *, video: bool = False) -> tuple[str, str, CallReceived]:
    """Who calls, who is called, and what was told of it."""
    spec, number, other = spec_for(tmp_path), await world.phone("Ana"), await world.phone("Ben")
    await link(world, spec, number)
    call_id = await world.ring(other, spec.session_id, number, video=video)
    [offer] = await world.listener.until(lambda: world.listener.events(CallReceived))
    assert offer.call_id == call_id
    return other, number, offer


async def test_a_call_rings_under_both_names_and_who_calls_hears_that_it_is_declined(
    world: World, tmp_path: Path
) -> None:
    other, _, offer = await rung(world, tmp_path, video=True)
    assert (offer.phase, offer.video, offer.reason) == ("offer", True, "")
    assert offer.caller.phone == other
    assert offer.caller.lid is not None
    assert offer.timestamp > 1_600_000_000

    answer = await world.engine.call("ses_1", RejectCall(call_id=offer.call_id, caller=offer.caller))

    assert answer == Done()
    await world.call_becomes(other, offer.call_id, "rejected")
    assert world.listener.events(CallReceived) == [offer], "nothing more is told here"


async def test_only_calls_of_people_that_have_an_id_are_declined_known_or_not(world: World, tmp_path: Path) -> None:
    other, _, offer = await rung(world, tmp_path)

    for wrong in (
        RejectCall(call_id="", caller=offer.caller),
        RejectCall(call_id="0" * 201, caller=offer.caller),
        RejectCall(call_id=offer.call_id, caller=GROUP),
    ):
        with pytest.raises(InvalidRequestError):
            await world.engine.call("ses_1", wrong)

    assert await world.engine.call("ses_1", RejectCall(call_id="0" * 32, caller=offer.caller)) == Done()
    await world.call_becomes(other, offer.call_id, "ringing")


async def test_it_is_told_how_calls_end_that_are_given_up_or_dealt_with_on_the_phone(
    world: World, tmp_path: Path
) -> None:
    other, number, given_up = await rung(world, tmp_path)
    taken, declined = [await world.ring(other, "ses_1", number) for _ in range(2)]
    await world.listener.until(lambda: len(world.listener.events(CallReceived)) == 3)

    await world.hang_up(other, "ses_1", given_up.call_id)
    await world.answer(number, "ses_1", taken, accepts=True)
    await world.answer(number, "ses_1", declined, accepts=False)

    await world.listener.until(lambda: len(world.listener.events(CallReceived)) == 6)
    ended = world.listener.events(CallReceived)[3:]
    assert {one.phase for one in ended} == {"terminate"}
    assert {one.call_id: one.reason for one in ended} == {
        given_up.call_id: "timeout",
        taken: "accepted_elsewhere",
        declined: "rejected_elsewhere",
    }
    await world.call_becomes(other, taken, "accepted")
    await world.call_becomes(other, declined, "rejected")
