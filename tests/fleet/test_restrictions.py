"""What WhatsApp does not let a session do: kept, told, shown with its sentence, and lifted."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from gateway.fleet.errors import SessionBannedError
from gateway.fleet.models import Session
from gateway.fleet.render import render_session, session_id
from gateway.fleet.restrictions import RestrictionKind, explain, is_timelocked
from gateway.kit.times import render_time
from sessions.events import Ended
from sessions.status import Reason, sentence
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


async def test_a_time_lock_ends_by_itself(fleet: FleetRig, eventually: Any) -> None:
    session = await fleet.create()
    await fleet.link(session, PHONE, eventually)
    at = fleet.clock.now()
    await fleet.change(session, lambda tx, row: fleet.sessions.note_timelock(tx, row, at))
    assert await fleet.warden.run_once() == timedelta(hours=24).total_seconds()

    fleet.clock.advance(24 * 3600)
    await fleet.warden.run_once()

    assert render_session(await fleet.row(session))["restriction"] is None


async def test_a_temporary_ban_is_waited_out_and_then_ends_by_itself(fleet: FleetRig, eventually: Any) -> None:
    session = await fleet.create()
    await fleet.link(session, PHONE, eventually)
    ends_at = fleet.clock.now() + timedelta(hours=3)
    ban(fleet, session, until=ends_at, code=104)
    banned = await fleet.until(session, "banned", eventually)

    restriction: Any = render_session(banned)["restriction"]
    assert (restriction["kind"], restriction["scope"], restriction["code"]) == ("temporary_ban", "all", 104)
    assert "same message" in restriction["sentence"]
    assert restriction["until"] == render_time(ends_at)
    fleet.clock.advance(3 * 3600 - 1)
    assert await fleet.warden.run_once() == 1
    assert (await fleet.row(session)).status == "banned", "nothing connects before the end"
    fleet.clock.advance(1)
    await fleet.warden.run_once()
    free = await fleet.until(session, "connected", eventually)

    assert render_session(free)["restriction"] is None
    types = await fleet.event_types(session)
    assert types.index("session.restricted") < types.index("session.unrestricted")


async def test_a_ban_of_unknown_length_is_tried_after_a_day(fleet: FleetRig, eventually: Any) -> None:
    session = await fleet.create()
    await fleet.link(session, PHONE, eventually)
    ban(fleet, session, until=None, code=None)
    banned = await fleet.until(session, "banned", eventually)
    restriction: Any = render_session(banned)["restriction"]
    assert restriction["until"] is None

    assert await fleet.warden.run_once() == timedelta(hours=24).total_seconds()
    fleet.clock.advance(24 * 3600)
    await fleet.warden.run_once()

    await fleet.until(session, "connected", eventually)


async def test_a_stopped_session_stays_stopped_when_its_ban_ends(fleet: FleetRig, eventually: Any) -> None:
    session = await fleet.create()
    await fleet.link(session, PHONE, eventually)
    ban(fleet, session, until=fleet.clock.now() + timedelta(hours=1), code=101)
    await fleet.until(session, "banned", eventually)
    await fleet.change(session, fleet.sessions.stop)

    fleet.clock.advance(2 * 3600)
    await fleet.warden.run_once()
    row = await fleet.row(session)

    assert row.status == "stopped"
    assert row.restriction == "temporary_ban", "only a connection proves that it is over"


async def test_a_banned_session_is_not_started_before_the_end_unless_somebody_insists(
    fleet: FleetRig, eventually: Any
) -> None:
    session = await fleet.create()
    await fleet.link(session, PHONE, eventually)
    ban(fleet, session, until=fleet.clock.now() + timedelta(hours=1), code=101)
    await fleet.until(session, "banned", eventually)

    with pytest.raises(SessionBannedError):
        await fleet.change(session, fleet.sessions.start)
    assert (await fleet.row(session)).status == "banned"

    await fleet.change(session, lambda tx, row: fleet.sessions.start(tx, row, force=True))
    await fleet.until(session, "connected", eventually)


@pytest.mark.parametrize(
    ("reason", "status", "kind"),
    [
        (Reason.ACCOUNT_BANNED, "banned", "banned"),
        (Reason.ACCOUNT_LOCKED, "logged_out", "locked"),
        (Reason.UNLINKED_FROM_PHONE, "logged_out", "logged_out"),
        (Reason.CONNECTED_ELSEWHERE, "replaced", "replaced"),
        (Reason.ENGINE_OUTDATED, "outdated", "outdated"),
    ],
)
async def test_what_waits_for_a_person_says_so_and_never_comes_back_by_itself(
    fleet: FleetRig, eventually: Any, reason: Reason, status: str, kind: str
) -> None:
    session = await fleet.create()
    await fleet.link(session, PHONE, eventually)
    fleet.engine.report(session_id(session), Ended(reason=reason))
    ended = await fleet.until(session, status, eventually)

    restriction: Any = render_session(ended)["restriction"]
    assert restriction["kind"] == kind
    assert restriction["sentence"] == sentence(reason)
    assert await fleet.warden.run_once() is None
    fleet.clock.advance(40 * 24 * 3600)
    await fleet.warden.run_once()
    await fleet.reconciler.run_once()
    assert (await fleet.row(session)).status == status


async def test_restrictions_are_counted_by_kind(fleet: FleetRig, eventually: Any) -> None:
    session = await fleet.create()
    await fleet.link(session, PHONE, eventually)
    assert await fleet.database.read(fleet.sessions.restrictions) == {}

    fleet.engine.report(session_id(session), Ended(reason=Reason.CONNECTED_ELSEWHERE))
    await fleet.until(session, "replaced", eventually)

    assert await fleet.database.read(fleet.sessions.restrictions) == {session.id: "replaced"}


def test_every_kind_has_a_sentence_for_a_person() -> None:
    for kind in RestrictionKind:
        assert explain(kind).endswith(".")
    sentences = {explain(RestrictionKind.TEMPORARY_BAN, code) for code in (101, 102, 103, 104, 106, 105)}
    assert len(sentences) == 6


def ban(fleet: FleetRig, session: Session, *, until: datetime | None, code: int | None) -> None:
    """WhatsApp bans the session for a time."""
    seconds = until.timestamp() if until is not None else None
    fleet.engine.report(session_id(session), Ended(reason=Reason.TEMPORARY_BAN, until=seconds, code=code))
