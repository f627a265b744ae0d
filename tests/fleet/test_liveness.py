"""A session that is connected and yet not alive: told when it begins, told when it ends, shown meanwhile."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.events.models import Event
from gateway.fleet.models import Session
from gateway.fleet.render import session_id
from sessions.engine import StatusChange
from sessions.events import Connected, Ended, KeepAlive
from sessions.status import Reason, SessionStatus
from tests.fleet.rig import FleetRig

PHONE = "+15550100001"


async def test_degraded_and_recovered_are_told_once_each_with_cause_and_length(
    fleet: FleetRig, eventually: Any
) -> None:
    session = await fleet.create()
    await fleet.link(session, PHONE, eventually)
    fleet.engine.report(session_id(session), KeepAlive(failures=1))
    silent = await until_degraded(fleet, session, eventually)
    fleet.engine.report(session_id(session), KeepAlive(failures=2))
    fleet.clock.advance(12.5)

    fleet.engine.report(session_id(session), KeepAlive(failures=0))
    recovered = await until_told(fleet, session, "session.recovered", eventually)

    assert (silent.status, silent.live, silent.reason) == ("connected", False, Reason.KEEPALIVE_LOST)
    types = await fleet.event_types(session)
    assert (types.count("session.degraded"), types.count("session.recovered")) == (1, 1)
    past = recovered.data["recovered_from"]
    assert past["reason"]["code"] == "keepalive_lost"
    assert (past["seconds"], past["how"]) == (12.5, "by_itself")
    row = await fleet.row(session)
    assert (row.live, row.degraded_at, row.degraded_reason) == (True, None, None)


@pytest.mark.parametrize("reason", [Reason.ENGINE_DEAF, Reason.PROBE_UNANSWERED, Reason.WORKER_SILENT])
async def test_a_new_worker_for_a_sick_session_counts_as_its_recovery(
    fleet: FleetRig, eventually: Any, reason: Reason
) -> None:
    session = await fleet.create()
    await fleet.link(session, PHONE, eventually)
    await fleet.intake.on_status(away(session, reason))
    row = await until_degraded(fleet, session, eventually)
    assert row.degraded_reason == reason
    fleet.clock.advance(3)

    await fleet.intake.on_status(back(session))
    told = await until_told(fleet, session, "session.recovered", eventually)

    assert (told.data["recovered_from"]["seconds"], told.data["recovered_from"]["how"]) == (3.0, "reconnected")


async def test_a_lost_connection_is_no_matter_of_liveness(fleet: FleetRig, eventually: Any) -> None:
    session = await fleet.create()
    await fleet.link(session, PHONE, eventually)

    await fleet.intake.on_status(away(session, Reason.CONNECTION_LOST))
    await fleet.intake.on_status(back(session))

    types = await fleet.event_types(session)
    assert "session.degraded" not in types
    assert "session.recovered" not in types


async def test_an_end_is_no_recovery(fleet: FleetRig, eventually: Any) -> None:
    session = await fleet.create()
    await fleet.link(session, PHONE, eventually)
    fleet.engine.report(session_id(session), KeepAlive(failures=1))
    await until_degraded(fleet, session, eventually)

    fleet.engine.report(session_id(session), Ended(reason=Reason.CONNECTED_ELSEWHERE))
    row = await fleet.until(session, "replaced", eventually)

    assert row.degraded_at is None
    assert "session.recovered" not in await fleet.event_types(session)


async def test_a_second_login_of_the_same_connection_recovers_it(fleet: FleetRig, eventually: Any) -> None:
    session = await fleet.create()
    await fleet.link(session, PHONE, eventually)
    fleet.engine.report(session_id(session), KeepAlive(failures=1))
    await until_degraded(fleet, session, eventually)

    fleet.engine.report(session_id(session), Connected())

    assert (await until_told(fleet, session, "session.recovered", eventually)).data["live"]


def away(session: Session, reason: Reason) -> StatusChange:
    return StatusChange(session_id=session_id(session), status=SessionStatus.RECONNECTING, live=False, reason=reason)


def back(session: Session) -> StatusChange:
    return StatusChange(session_id=session_id(session), status=SessionStatus.CONNECTED, live=True)


async def until_degraded(fleet: FleetRig, session: Session, eventually: Any) -> Session:
    async def look() -> Session | None:
        row = await fleet.row(session)
        return row if row.degraded_at is not None else None

    found: Session = await eventually(look)
    return found


async def until_told(fleet: FleetRig, session: Session, event_type: str, eventually: Any) -> Event:
    async def look() -> Event | None:
        events = await fleet.database.read(
            lambda tx: fleet.events.recent_of_session(tx, org_id=1, session_id=session.id, limit=100)
        )
        return next((event for event in events if event.type == event_type), None)

    found: Event = await eventually(look)
    return found
