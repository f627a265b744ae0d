"""What WhatsApp does not let a session do: kept, told, shown with its sentence, and lifted."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from gateway.fleet.render import render_session
from gateway.fleet.restrictions import is_timelocked
from tests.fleet.rig import FleetRig

PHONE = "+15550100001"


async def test_a_time_lock_holds_first_contacts_back_for_a_day(fleet: FleetRig, eventually: Any) -> None:
    session = await fleet.create()
    await fleet.link(session, PHONE, eventually)
    at = fleet.clock.now()

    await fleet.change(session, lambda tx, row: fleet.sessions.note_timelock(tx, row, at))
    row = await fleet.row(session)

    assert is_timelocked(row, at=at + timedelta(hours=23))
    assert not is_timelocked(row, at=at + timedelta(hours=25))
    restriction: Any = render_session(row)["restriction"]
    assert (restriction["kind"], restriction["scope"], restriction["code"]) == ("timelock", "first_contacts", 463)
    assert "new chats" in restriction["sentence"]
    assert row.status == "connected", "only new chats are refused"


async def test_a_second_refusal_makes_the_time_lock_longer_and_is_told_once(fleet: FleetRig, eventually: Any) -> None:
    session = await fleet.create()
    await fleet.link(session, PHONE, eventually)
    first = fleet.clock.now()
    second = first + timedelta(hours=1)

    await fleet.change(session, lambda tx, row: fleet.sessions.note_timelock(tx, row, first))
    await fleet.change(session, lambda tx, row: fleet.sessions.note_timelock(tx, row, second))
    row = await fleet.row(session)

    assert row.timelocked_at == first
    assert row.timelocked_until == second + timedelta(hours=24)
    assert (await fleet.event_types(session)).count("session.restricted") == 1


async def test_a_lifted_time_lock_is_told_and_gone(fleet: FleetRig, eventually: Any) -> None:
    session = await fleet.create()
    await fleet.link(session, PHONE, eventually)
    at = fleet.clock.now()
    await fleet.change(session, lambda tx, row: fleet.sessions.note_timelock(tx, row, at))

    await fleet.change(session, fleet.sessions.lift_timelock)
    await fleet.change(session, fleet.sessions.lift_timelock)
    row = await fleet.row(session)

    assert render_session(row)["restriction"] is None
    assert not is_timelocked(row, at=at)
    assert (await fleet.event_types(session)).count("session.unrestricted") == 1
