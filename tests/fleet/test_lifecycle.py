"""What is wanted of a session and what becomes of it: start, stop, unlink, delete, and restarts of the daemon."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from gateway.fleet.errors import SessionNameTakenError, SessionNotConnectedError, SessionNotFoundError
from gateway.fleet.render import render_reasons, session_id
from gateway.kit.ids import IdGenerator
from sessions.commands.linking import LogOut
from sessions.engine import StatusChange
from sessions.events import Ended
from sessions.status import Reason
from tests.fleet.rig import CALLER, FleetRig, build_rig

PHONE = "+15550100001"


async def test_a_stopped_session_keeps_its_link_and_starts_again(fleet: FleetRig, eventually: Any) -> None:
    session = await fleet.create()
    await fleet.link(session, PHONE, eventually)

    await fleet.change(session, fleet.sessions.stop)
    stopped = await fleet.until(session, "stopped", eventually)
    await fleet.change(session, fleet.sessions.start)
    started = await fleet.until(session, "connected", eventually)

    assert stopped.is_paired
    assert stopped.reason == Reason.STOPPED_BY_REQUEST
    assert started.reason is None


async def test_a_restarted_session_is_connected_again(fleet: FleetRig, eventually: Any) -> None:
    session = await fleet.create()
    linked = await fleet.link(session, PHONE, eventually)
    before = await fleet.event_types(session)

    await fleet.lifecycle.restart(linked)

    async def has_reconnected() -> bool:
        since = (await fleet.event_types(session))[len(before) :]
        return since.count("session.status") >= 3

    await eventually(has_reconnected)
    assert (await fleet.until(session, "connected", eventually)).is_paired


async def test_a_phone_that_unlinks_leaves_a_session_that_can_be_paired_again(fleet: FleetRig, eventually: Any) -> None:
    session = await fleet.create()
    await fleet.link(session, PHONE, eventually)
    folder = _with_keys(fleet, session)

    fleet.engine.unlink(session_id(session))
    logged_out = await fleet.until(session, "logged_out", eventually)
    await eventually(lambda: not folder.exists())
    again = await fleet.link(await fleet.row(session), PHONE, eventually)

    assert not logged_out.is_paired
    assert logged_out.phone == PHONE, "who it was stays known"
    assert logged_out.reason == Reason.UNLINKED_FROM_PHONE
    assert again.is_paired
    assert render_reasons(again)[0]["reason"]["code"] == "unlinked_from_phone"  # type: ignore[index]


async def test_logging_out_tells_whatsapp_and_deletes_the_keys(fleet: FleetRig, eventually: Any) -> None:
    session = await fleet.create()
    linked = await fleet.link(session, PHONE, eventually)
    folder = _with_keys(fleet, session)
    before = await fleet.event_types(session)

    after = await fleet.lifecycle.log_out(linked, force=False)

    assert after.status == "logged_out"
    assert after.reason == Reason.UNLINKED_HERE
    await eventually(lambda: not folder.exists())
    row = await fleet.row(session)
    assert not row.is_paired
    assert [entry["reason"] for entry in row.reasons] == [Reason.UNLINKED_HERE]
    assert (await fleet.event_types(session))[len(before) :] == ["session.status"]


async def test_logging_out_without_a_connection_changes_nothing_unless_forced(fleet: FleetRig, eventually: Any) -> None:
    session = await fleet.create()
    await fleet.link(session, PHONE, eventually)
    fleet.engine.drop(session_id(session))
    away = await fleet.until(session, "reconnecting", eventually)

    with pytest.raises(SessionNotConnectedError):
        await fleet.lifecycle.log_out(away, force=False)
    untouched = await fleet.row(session)
    forced = await fleet.lifecycle.log_out(away, force=True)

    assert untouched.is_paired
    assert not forced.is_paired


async def test_a_deleted_session_is_unlinked_and_gone_and_its_name_is_free(fleet: FleetRig, eventually: Any) -> None:
    session = await fleet.create()
    await fleet.link(session, PHONE, eventually)
    folder = _with_keys(fleet, session)
    asked = fleet.engine.asked(session_id(session))

    await fleet.change(session, fleet.sessions.remove)

    with pytest.raises(SessionNotFoundError):
        await fleet.database.read(lambda tx: fleet.sessions.get(tx, CALLER, session_id(session)))
    await eventually(lambda: not folder.exists())
    assert LogOut() in asked
    assert (await fleet.create("shop")).id != session.id


async def test_two_sessions_of_one_name_are_refused(fleet: FleetRig) -> None:
    await fleet.create("shop")

    with pytest.raises(SessionNameTakenError):
        await fleet.create("shop")


async def test_a_banned_session_waits_and_starts_before_the_end_when_somebody_insists(
    fleet: FleetRig, eventually: Any
) -> None:
    session = await fleet.create()
    await fleet.link(session, PHONE, eventually)
    until = fleet.clock.now().timestamp() + 3600

    fleet.engine.report(session_id(session), Ended(reason=Reason.TEMPORARY_BAN, until=until))
    banned = await fleet.until(session, "banned", eventually)
    fleet.reconciler.wake()
    await fleet.change(session, lambda tx, row: fleet.sessions.start(tx, row, force=True))
    started = await fleet.until(session, "connected", eventually)

    assert banned.until is not None
    assert banned.until.timestamp() == pytest.approx(until)
    assert started.until is None


async def test_a_session_that_was_just_banned_is_not_started_again_before_its_row_says_so(
    fleet: FleetRig, eventually: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await fleet.create()
    await fleet.link(session, PHONE, eventually)
    take, may_be_taken = fleet.intake.on_status, asyncio.Event()

    async def take_late(change: StatusChange) -> None:
        await may_be_taken.wait()
        await take(change)

    monkeypatch.setattr(fleet.intake, "on_status", take_late)
    fleet.engine.report(session_id(session), Ended(reason=Reason.TEMPORARY_BAN))
    await fleet.reconciler.settle(session.id)
    status = fleet.engine.status(session_id(session)).status
    may_be_taken.set()

    assert status == "banned"
    assert await fleet.until(session, "banned", eventually)


async def test_linked_sessions_run_again_after_the_daemon_was_killed(
    fleet: FleetRig, eventually: Any, clock: Any, ids: IdGenerator, tmp_path: Path
) -> None:
    running = await fleet.create("running")
    await fleet.link(running, PHONE, eventually)
    stopped = await fleet.create("stopped")
    await fleet.link(stopped, "+15550100002", eventually)
    await fleet.change(stopped, fleet.sessions.stop)
    await fleet.until(stopped, "stopped", eventually)

    reborn = build_rig(database=fleet.database, clock=clock, ids=ids, folder=tmp_path)
    await fleet.database.write(reborn.progress.settle_stale)
    settled = await fleet.row(running)
    await reborn.reconciler.start()
    try:
        await eventually(lambda: session_id(running) in reborn.engine.session_ids)
        assert settled.status == "stopped"
        assert not settled.live
        assert session_id(stopped) not in reborn.engine.session_ids
    finally:
        await reborn.reconciler.stop()
        await reborn.engine.stop()


def _with_keys(fleet: FleetRig, session: Any) -> Path:
    """A folder as a worker would have made it."""
    folder = Path(fleet.specs.of(session).folder)
    folder.mkdir(parents=True)
    (folder / "keys.db").write_bytes(b"keys")
    return folder
