"""Linking a phone: attempts, codes, who may stay, and what is left when nobody waits."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import select

from gateway.fleet import store
from gateway.fleet.attempt import PairingPhase
from gateway.fleet.errors import PairingFailedError, SessionAlreadyPairedError
from gateway.fleet.models import QuarantinedReport, Session
from gateway.fleet.render import session_id
from gateway.kit.errors import TooManyError
from sessions.address import Address, Jid
from sessions.commands.linking import LogOut
from sessions.events import Identified, Paired, Report
from sessions.status import Reason
from tests.fleet.rig import FleetRig

PHONE = "+15550100001"
OTHER = "+15550100002"


async def test_a_scanned_code_links_the_phone_and_connects_the_session(fleet: FleetRig, eventually: Any) -> None:
    session = await fleet.create()

    linked = await fleet.link(session, PHONE, eventually)

    assert linked.is_paired
    assert linked.phone == PHONE
    assert linked.lid is not None
    assert linked.live
    assert linked.connected_at is not None
    types = await fleet.event_types(session)
    assert types[0] == "session.created"
    assert "session.qr" in types
    assert types.index("session.paired") < len(types) - 1


async def test_the_codes_of_one_session_are_shared_by_all_who_ask(fleet: FleetRig) -> None:
    session = await fleet.create()

    first, second = await asyncio.gather(fleet.desk.qr(session), fleet.desk.qr(session))

    assert first.qr == second.qr


async def test_a_linked_session_offers_no_code(fleet: FleetRig, eventually: Any) -> None:
    session = await fleet.create()
    linked = await fleet.link(session, PHONE, eventually)
    await eventually(lambda: not fleet.desk.is_open(session.id))

    with pytest.raises(SessionAlreadyPairedError):
        await fleet.desk.qr(linked)


async def test_a_code_typed_on_the_phone_links_it(fleet: FleetRig, eventually: Any) -> None:
    session = await fleet.create()

    state = await fleet.desk.phone_code(session, PHONE)
    again = await fleet.desk.phone_code(session, PHONE)

    assert state.phone_code is not None
    assert again.phone_code == state.phone_code
    fleet.engine.scan(state.phone_code, PHONE)
    assert (await fleet.until(session, "connected", eventually)).phone == PHONE


async def test_codes_for_many_numbers_are_not_given_in_a_row(fleet: FleetRig, clock: Any) -> None:
    session = await fleet.create()
    first = await fleet.desk.phone_code(session, PHONE)

    with pytest.raises(TooManyError):
        await fleet.desk.phone_code(session, OTHER)
    clock.advance(11)
    second = await fleet.desk.phone_code(session, OTHER)

    assert second.phone_code != first.phone_code


async def test_watchers_see_every_phase_in_order(fleet: FleetRig) -> None:
    session = await fleet.create()
    phases = []

    async with fleet.desk.watch(session) as attempt:
        state = attempt.state
        phases.append(state.phase)
        while not state.is_over:
            state = await asyncio.wait_for(attempt.after(state.version), 10)
            if state.phase == PairingPhase.SHOWING:
                fleet.engine.scan(str(state.qr), PHONE)
            phases.append(state.phase)

    assert phases[0] == PairingPhase.WAITING
    assert phases[-1] == PairingPhase.CONNECTED
    assert PairingPhase.LINKING in phases


async def test_codes_that_ran_out_are_renewed_while_somebody_watches(fleet: FleetRig) -> None:
    session = await fleet.create()

    async with fleet.desk.watch(session) as attempt:
        first = await _showing(attempt)
        fleet.engine.run_out(session_id(session))
        waiting = await asyncio.wait_for(attempt.after(first.version), 10)
        second = await _showing(attempt)

    assert waiting.phase == PairingPhase.WAITING
    assert second.qr not in (None, first.qr)


async def test_renewing_ends_after_some_rounds(fleet: FleetRig) -> None:
    session = await fleet.create()

    async with fleet.desk.watch(session) as attempt:
        rounds = 0
        while not attempt.state.is_over:
            state = await _showing(attempt)
            rounds += 1
            fleet.engine.run_out(session_id(session))
            await asyncio.wait_for(attempt.after(state.version), 10)

    assert rounds == 6
    assert attempt.state.reason == Reason.QR_EXPIRED


async def test_an_attempt_that_nobody_watches_ends(fleet: FleetRig, clock: Any, eventually: Any) -> None:
    session = await fleet.create()
    async with fleet.desk.watch(session) as attempt:
        await _showing(attempt)

    clock.advance(60)
    attempt.nudge()

    await eventually(lambda: not fleet.desk.is_open(session.id))
    stopped = await fleet.until(session, "stopped", eventually)
    assert stopped.reason is None, "nobody stopped it: there is nothing to explain"


async def test_of_two_sessions_that_link_one_phone_at_the_same_instant_one_is_turned_away(
    fleet: FleetRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    sessions = [await fleet.create(name) for name in ("first", "second")]
    monkeypatch.setattr(store, "find_linked", lambda *_, **__: None)  # neither sees what the other is about to do
    me = Address(pn=Jid.from_phone(PHONE), lid=Jid("77000", "lid"))

    await asyncio.gather(*(fleet.intake.on_reports([_paired(one, me)]) for one in sessions))

    rows = [await fleet.row(one) for one in sessions]
    assert sorted(row.is_paired for row in rows) == [False, True]
    [turned_away] = [row for row in rows if not row.is_paired]
    assert (turned_away.reason, turned_away.phone, turned_away.lid) == (Reason.ALREADY_LINKED, None, None)
    assert turned_away.unlink_due or turned_away.forget_due
    assert "session.paired" not in await fleet.event_types(turned_away)
    assert await fleet.database.read(lambda tx: tx.session.scalars(select(QuarantinedReport)).all()) == []


async def test_an_account_that_turns_up_twice_keeps_its_first_session(fleet: FleetRig) -> None:
    first, second = [await fleet.create(name) for name in ("first", "second")]
    shop, other = Address(pn=Jid.from_phone(PHONE)), Address(pn=Jid.from_phone(OTHER))
    await fleet.intake.on_reports([_paired(first, shop), _paired(second, other)])

    said = Identified(me=shop, device=2, push_name="Shop")
    await fleet.intake.on_reports([Report(session_id=session_id(second), seq=2, received_at=1.0, event=said)])

    row = await fleet.row(second)
    assert (row.phone, row.push_name) == (OTHER, "Shop")


async def test_a_phone_linked_as_another_session_is_turned_away(fleet: FleetRig, eventually: Any) -> None:
    await fleet.link(await fleet.create("first"), PHONE, eventually)
    second = await fleet.create("second")

    async with fleet.desk.watch(second) as attempt:
        state = await _showing(attempt)
        fleet.engine.scan(str(state.qr), PHONE)
        while not attempt.state.is_over:
            await asyncio.wait_for(attempt.after(attempt.state.version), 10)

    assert attempt.state.reason == Reason.ALREADY_LINKED
    row = await fleet.row(second)
    assert not row.is_paired
    assert row.reason == Reason.ALREADY_LINKED

    async def is_settled() -> bool:
        return not (await fleet.row(second)).forget_due

    await eventually(is_settled)
    assert session_id(second) not in fleet.engine.session_ids
    assert (await fleet.row(second)).status == "stopped"


async def test_a_phone_other_than_the_expected_one_is_turned_away_and_the_right_one_may_follow(
    fleet: FleetRig, eventually: Any
) -> None:
    session = await fleet.create(expected_phone=OTHER)

    async with fleet.desk.watch(session) as attempt:
        fleet.engine.scan(str((await _showing(attempt)).qr), PHONE)
        while not attempt.state.is_over:
            await asyncio.wait_for(attempt.after(attempt.state.version), 10)

    async def is_unlinked() -> bool:
        return not (await fleet.row(session)).unlink_due

    await eventually(is_unlinked)
    linked = await fleet.link(await fleet.row(session), OTHER, eventually)

    assert attempt.state.reason == Reason.WRONG_PHONE
    assert linked.phone == OTHER


async def test_a_turned_away_phone_is_asked_to_forget_the_device(fleet: FleetRig, eventually: Any) -> None:
    session = await fleet.create(expected_phone=OTHER)

    async with fleet.desk.watch(session) as attempt:
        qr = str((await _showing(attempt)).qr)
        asked = fleet.engine.asked(session_id(session))
        fleet.engine.scan(qr, PHONE)
        await eventually(lambda: attempt.state.is_over)

    await eventually(lambda: LogOut() in asked)


async def test_no_phone_code_is_given_for_another_phone_than_the_expected_one(fleet: FleetRig) -> None:
    session = await fleet.create(expected_phone=OTHER)

    with pytest.raises(PairingFailedError) as refused:
        await fleet.desk.phone_code(session, PHONE)

    assert refused.value.code == "wrong_phone"


async def test_an_engine_that_will_not_pair_is_told_as_the_end_of_the_attempt(fleet: FleetRig) -> None:
    session = await fleet.create()

    async with fleet.desk.watch(session) as attempt:
        await _showing(attempt)
        fleet.engine.end_pairing(session_id(session), Reason.PASSKEY_DEMANDED)
        while not attempt.state.is_over:
            await asyncio.wait_for(attempt.after(attempt.state.version), 10)

    assert attempt.state.reason == Reason.PASSKEY_DEMANDED


def _paired(session: Session, me: Address) -> Report:
    fact = Paired(me=me, device=2, platform="android")
    return Report(session_id=session_id(session), seq=1, received_at=1.0, event=fact)


async def _showing(attempt: Any) -> Any:
    async with asyncio.timeout(10):
        while attempt.state.phase != PairingPhase.SHOWING:
            await attempt.after(attempt.state.version)
        return attempt.state
