"""Taking over what sessions report: in one transaction, once, whatever single reports hold in store."""

from __future__ import annotations

from typing import Any

import pytest
import structlog
from sqlalchemy import select

from gateway.db.errors import StoreBusyError
from gateway.db.tx import Tx
from gateway.fleet.models import QuarantinedReport, Session
from gateway.fleet.render import session_id
from sessions.events import Event, OfflineSyncCompleted, Report, Unparsed, Withheld
from tests.fleet.rig import FleetRig

PHONE = "+15550100001"


def _report(session: Session, seq: int) -> Report:
    return Report(session_id=session_id(session), seq=seq, received_at=1.0, event=OfflineSyncCompleted(count=seq))


async def test_handlers_get_every_report_of_a_batch_in_order_with_its_session(fleet: FleetRig) -> None:
    session = await fleet.create()
    seen: list[tuple[int, int]] = []
    fleet.intake.register(OfflineSyncCompleted, lambda tx, row, report: seen.append((row.id, report.seq)))

    await fleet.intake.on_reports([_report(session, seq) for seq in (1, 2, 3)])

    assert seen == [(session.id, 1), (session.id, 2), (session.id, 3)]


async def test_observers_are_told_only_after_the_commit(fleet: FleetRig) -> None:
    session = await fleet.create()
    told: list[str | None] = []

    def rename(tx: Tx, row: Session, report: Report) -> None:
        row.push_name = "Shop"

    fleet.intake.register(OfflineSyncCompleted, rename)
    fleet.intake.observe(OfflineSyncCompleted, lambda row_id, report: told.append("committed"))

    await fleet.intake.on_reports([_report(session, 1)])

    assert told == ["committed"]
    assert (await fleet.row(session)).push_name == "Shop"


async def test_one_indigestible_report_is_kept_aside_and_holds_up_no_other(fleet: FleetRig) -> None:
    session = await fleet.create()
    taken: list[int] = []

    def handle(tx: Tx, row: Session, report: Report) -> None:
        if report.seq == 2:
            raise ValueError("cannot read this")
        taken.append(report.seq)

    fleet.intake.register(OfflineSyncCompleted, handle)

    await fleet.intake.on_reports([_report(session, seq) for seq in (1, 2, 3)])

    assert taken[-2:] == [1, 3]
    kept = await fleet.database.read(lambda tx: tx.session.scalars(select(QuarantinedReport)).all())
    assert [(row.seq, row.error, row.kind) for row in kept] == [(2, "ValueError", "OfflineSyncCompleted")]


async def test_a_store_that_is_busy_makes_the_engine_offer_the_batch_again(fleet: FleetRig) -> None:
    session = await fleet.create()

    def handle(tx: Tx, row: Session, report: Report) -> None:
        raise StoreBusyError

    fleet.intake.register(OfflineSyncCompleted, handle)

    with pytest.raises(StoreBusyError):
        await fleet.intake.on_reports([_report(session, 1)])


async def test_reports_of_a_session_that_is_gone_are_let_go(fleet: FleetRig) -> None:
    session = await fleet.create()
    ghost = Report(session_id="ses_0000000000001", seq=1, received_at=1.0, event=OfflineSyncCompleted(count=0))

    taken: list[int] = []
    fleet.intake.register(OfflineSyncCompleted, lambda tx, row, report: taken.append(row.id))

    await fleet.intake.on_reports([ghost, _report(session, 1)])

    assert taken == [session.id]


async def test_offering_the_same_link_twice_links_once(fleet: FleetRig, eventually: Any) -> None:
    session = await fleet.create()
    reports: list[Report] = []
    taken = fleet.intake.on_reports

    async def listen(batch: Any) -> None:
        reports.extend(batch)
        await taken(batch)

    fleet.intake.on_reports = listen  # type: ignore[method-assign]
    linked = await fleet.link(session, PHONE, eventually)

    await taken(reports)

    again = await fleet.row(session)
    assert again.paired_at == linked.paired_at
    assert (await fleet.event_types(session)).count("session.paired") == 1


@pytest.mark.parametrize(
    "event", [Unparsed(event_code=17, error="DecodeError"), Withheld(what="message", error="a frame is too long")]
)
async def test_what_a_session_could_not_hand_on_is_complained_about_with_where_to_find_it(
    fleet: FleetRig, event: Event
) -> None:
    session = await fleet.create()

    with structlog.testing.capture_logs() as said:
        await fleet.intake.on_reports([Report(session_id=session_id(session), seq=7, received_at=1.0, event=event)])

    (complaint,) = [line for line in said if line["log_level"] == "error"]
    assert (complaint["session_id"], complaint["seq"]) == (session_id(session), 7)
    assert event.error in complaint["error"]
    assert "quarantine" in complaint["event"]
