"""What goes wrong around a session, and what the engine makes of it: the real library, the loopback WhatsApp."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import time
from pathlib import Path

import pytest

from sessions.errors import (
    BusyError,
    NewChatsRefusedError,
    NotConnectedError,
    OutcomeUnknownError,
    RefusedError,
    SessionError,
    WorkerLostError,
)
from sessions.events import Ended, MessageReceived, QrShown
from sessions.sandbox.loopback import LoopbackWhatsApp
from sessions.status import Reason, SessionStatus
from tests.engine.worlds import RealWorld, connected, envelope, link, reaches, send, spec_for

pytestmark = pytest.mark.long


def kill_worker(world: RealWorld, session_id: str, *, with_signal: signal.Signals = signal.SIGKILL) -> int:
    pid = world.engine.worker_pid(session_id)
    assert pid is not None
    os.kill(pid, with_signal)
    return pid


async def is_replaced(world: RealWorld, session_id: str, *, after: int) -> None:
    """Wait until another process holds the session, connected or not."""
    await _until(lambda: world.engine.worker_pid(session_id) not in (None, after))


async def comes_back(world: RealWorld, session_id: str, *, after: int) -> None:
    """Wait until the session is connected in another process, and the listener has heard that it was away."""
    await is_replaced(world, session_id, after=after)
    await connected(world, session_id)
    await world.listener.until(lambda: SessionStatus.RECONNECTING in world.listener.statuses(session_id))


async def test_a_killed_worker_disturbs_nobody_and_comes_back(real: RealWorld, tmp_path: Path) -> None:
    ana, ben, eve = await real.phone("Ana"), await real.phone("Ben"), await real.phone("Eve")
    first, second = spec_for(tmp_path, "ses_1"), spec_for(tmp_path, "ses_2")
    await link(real, first, ana)
    await link(real, second, ben)
    sending = asyncio.create_task(_send_many(real, "ses_2", eve, 60))

    started = time.monotonic()
    killed = kill_worker(real, "ses_1")
    await comes_back(real, "ses_1", after=killed)

    assert time.monotonic() - started < 5
    await sending
    assert real.texts_at(eve) == [f"number {n}" for n in range(60)]
    assert real.listener.statuses("ses_2")[-1] is SessionStatus.CONNECTED
    await send(real, "ses_1", envelope(eve, "back"))


async def _send_many(world: RealWorld, session_id: str, to: str, count: int) -> None:
    for n in range(count):
        await send(world, session_id, envelope(to, f"number {n}"))


async def test_a_message_cut_off_by_a_kill_is_sent_exactly_once(real: RealWorld, tmp_path: Path) -> None:
    spec, number, other = spec_for(tmp_path), await real.phone("Ana"), await real.phone("Ben")
    await link(real, spec, number)
    await send(real, "ses_1", envelope(other, "first"))
    await real.fault(kind="no_ack", number=number)
    message = envelope(other, "second")
    sending = asyncio.create_task(send(real, "ses_1", message))
    await _until(lambda: "second" in real.texts_at(other))

    kill_worker(real, "ses_1")

    with pytest.raises(WorkerLostError):
        await sending
    wa_id = await real.engine.find_by_secret(spec, message.secret)
    assert wa_id is not None
    assert await real.engine.find_by_secret(spec, b"\x01" * 32) is None
    assert real.texts_at(other) == ["first", "second"]


async def test_an_answer_that_does_not_come_in_time_is_an_unknown_outcome(real: RealWorld, tmp_path: Path) -> None:
    spec, number, other = spec_for(tmp_path), await real.phone("Ana"), await real.phone("Ben")
    await link(real, spec, number)
    await real.fault(kind="no_ack", number=number)

    with pytest.raises(OutcomeUnknownError) as raised:
        await send(real, "ses_1", envelope(other, "hello"), timeout_seconds=0.5)

    assert raised.value.wire == "maybe"


@pytest.mark.parametrize(
    ("code", "error"), [(463, NewChatsRefusedError), (479, RefusedError), (429, BusyError), (503, BusyError)]
)
async def test_a_refusal_is_told_apart(real: RealWorld, tmp_path: Path, code: int, error: type[SessionError]) -> None:
    spec, number, other = spec_for(tmp_path), await real.phone("Ana"), await real.phone("Ben")
    await link(real, spec, number)
    await real.fault(kind="refuse", number=number, code=code, count=1)

    with pytest.raises(error):
        await send(real, "ses_1", envelope(other, "hello"))

    assert real.texts_at(other) == []


async def test_nothing_unacknowledged_is_lost_with_its_worker(real: RealWorld, tmp_path: Path) -> None:
    spec, number, other = spec_for(tmp_path), await real.phone("Ana"), await real.phone("Ben")
    await link(real, spec, number)
    real.listener.refusing = True
    for n in range(20):
        await real.write(other, "ses_1", number, f"number {n}")
    journal = Path(spec.folder) / "journal"
    await _until(lambda: b"number 19" in journal.read_bytes() and real.listener.refused > 0)

    killed = kill_worker(real, "ses_1")
    real.listener.refusing = False
    await comes_back(real, "ses_1", after=killed)

    await real.listener.until(lambda: len(real.listener.texts("ses_1")) >= 20)
    assert real.listener.texts("ses_1") == [f"number {n}" for n in range(20)]


async def test_what_was_written_meanwhile_arrives_when_the_session_runs_again(real: RealWorld, tmp_path: Path) -> None:
    spec, number, other = spec_for(tmp_path), await real.phone("Ana"), await real.phone("Ben")
    await link(real, spec, number)
    await real.engine.halt("ses_1")
    await real.write(other, "ses_1", number, "are you there?")

    await real.engine.run(spec)

    await real.listener.until(lambda: real.listener.texts("ses_1") == ["are you there?"])


#: Stanzas after which the library delivers nothing any more while it stays connected, or aborts its process.
_DEAFENING = {
    "an unknown receipt": {"tag": "receipt", "attrs": {"id": "A1", "type": "server-error"}},
    "an unknown chat state": {"tag": "chatstate", "attrs": {}, "content": [{"tag": "dancing"}]},
}


@pytest.mark.parametrize("name", list(_DEAFENING))
async def test_a_session_that_falls_silent_is_restarted_at_once(real: RealWorld, tmp_path: Path, name: str) -> None:
    spec, number, other = spec_for(tmp_path), await real.phone("Ana"), await real.phone("Ben")
    await link(real, spec, number)
    stanza = dict(_DEAFENING[name])
    stanza["attrs"] = {"from": f"{other.removeprefix('+')}@s.whatsapp.net", "t": "1700000000", **stanza["attrs"]}

    before = real.engine.worker_pid("ses_1")
    assert before is not None
    started = time.monotonic()
    await real.fault(kind="stanza", number=number, stanza=stanza)
    await comes_back(real, "ses_1", after=before)

    assert Reason.ENGINE_DEAF in [change.reason for change in real.listener.changes]
    assert time.monotonic() - started < 3
    await real.write(other, "ses_1", number, "do you hear me?")
    await real.listener.until(lambda: real.listener.texts("ses_1") == ["do you hear me?"])


async def test_a_temporary_ban_ends_the_session_and_says_until_when(real: RealWorld, tmp_path: Path) -> None:
    spec, number = spec_for(tmp_path), await real.phone("Ana")
    await link(real, spec, number)

    await real.fault(kind="ban", number=number, code=101, expire=3600)

    change = await reaches(real, "ses_1", SessionStatus.BANNED)
    assert change.reason is Reason.TEMPORARY_BAN
    assert change.until is not None
    assert 3000 < change.until - time.time() <= 3600
    await _until(lambda: real.engine.worker_pid("ses_1") is None)


async def test_a_ban_of_an_unknown_kind_is_a_ban_all_the_same(real: RealWorld, tmp_path: Path) -> None:
    spec, number = spec_for(tmp_path), await real.phone("Ana")
    await link(real, spec, number)

    await real.fault(kind="ban", number=number, code=105, expire=3600)

    change = await reaches(real, "ses_1", SessionStatus.BANNED)
    assert change.reason is Reason.TEMPORARY_BAN


@pytest.mark.parametrize(
    ("fault", "status", "reason"),
    [
        ({"kind": "replaced"}, SessionStatus.REPLACED, Reason.CONNECTED_ELSEWHERE),
        ({"kind": "outdated"}, SessionStatus.OUTDATED, Reason.ENGINE_OUTDATED),
        ({"kind": "logged_out"}, SessionStatus.LOGGED_OUT, Reason.UNLINKED_FROM_PHONE),
    ],
)
async def test_an_end_is_told_apart_and_nobody_restarts_it(
    real: RealWorld, tmp_path: Path, fault: dict[str, str], status: SessionStatus, reason: Reason
) -> None:
    spec, number = spec_for(tmp_path), await real.phone("Ana")
    await link(real, spec, number)

    await real.fault(**fault, number=number)
    await _drop_unless_replaced(real, fault["kind"], number)

    assert (await reaches(real, "ses_1", status)).reason is reason
    await _until(lambda: real.engine.worker_pid("ses_1") is None)
    assert [event.reason for event in real.listener.events(Ended)] == [reason]


async def _drop_unless_replaced(world: RealWorld, kind: str, number: str) -> None:
    if kind == "outdated":
        await world.fault(kind="drop", number=number)


@pytest.mark.parametrize(
    ("code", "status", "reason"),
    [
        (401, SessionStatus.LOGGED_OUT, Reason.UNLINKED_FROM_PHONE),
        (403, SessionStatus.LOGGED_OUT, Reason.ACCOUNT_LOCKED),
        (406, SessionStatus.BANNED, Reason.ACCOUNT_BANNED),
        (405, SessionStatus.OUTDATED, Reason.ENGINE_OUTDATED),
    ],
)
async def test_a_refused_login_is_told_apart(
    real: RealWorld, tmp_path: Path, code: int, status: SessionStatus, reason: Reason
) -> None:
    spec, number = spec_for(tmp_path), await real.phone("Ana")
    await link(real, spec, number)
    await real.engine.halt("ses_1")
    await real.fault(kind="failure", number=number, reason=code)

    await real.engine.run(spec)

    assert (await reaches(real, "ses_1", status)).reason is reason


@pytest.mark.parametrize("code", [413, 418, 503])
async def test_a_login_failure_that_passes_is_survived(real: RealWorld, tmp_path: Path, code: int) -> None:
    spec, number = spec_for(tmp_path), await real.phone("Ana")
    await link(real, spec, number)
    await real.engine.halt("ses_1")
    await real.fault(kind="failure", number=number, reason=code, count=1)

    await real.engine.run(spec)

    await connected(real, "ses_1")


async def test_an_outage_is_waited_out(real: RealWorld, whatsapp: LoopbackWhatsApp, tmp_path: Path) -> None:
    spec, number = spec_for(tmp_path), await real.phone("Ana")
    await link(real, spec, number)
    await real.engine.halt("ses_1")
    await real.fault(kind="outage")

    await real.engine.run(spec)
    await real.listener.until(lambda: real.engine.status("ses_1").reason is Reason.CONNECTION_REFUSED)
    assert real.engine.status("ses_1").status is SessionStatus.CONNECTING
    with pytest.raises(NotConnectedError):
        await send(real, "ses_1", envelope("+15550001111", "hello"))
    whatsapp.faults.clear()

    await connected(real, "ses_1")


async def test_pairing_survives_an_outage(real: RealWorld, whatsapp: LoopbackWhatsApp, tmp_path: Path) -> None:
    await real.fault(kind="outage", count=2)
    [outage] = whatsapp.faults.active()

    await link(real, spec_for(tmp_path), await real.phone("Ana"))

    assert outage.left == 0, "both refused connections were this pairing's"


async def test_a_session_that_stays_away_gets_a_new_worker(whatsapp: LoopbackWhatsApp, tmp_path: Path) -> None:
    world = RealWorld(whatsapp, backoff_first_seconds=0.1, backoff_limit_seconds=0.2, recycle_after_seconds=0.5)
    spec, number = spec_for(tmp_path), await world.phone("Ana")
    await link(world, spec, number)
    before = world.engine.worker_pid("ses_1")

    assert before is not None
    await world.fault(kind="outage", seconds=1.5)
    await comes_back(world, "ses_1", after=before)

    await world.engine.stop()


async def test_a_crash_loop_is_given_up_and_a_person_can_start_it_again(
    whatsapp: LoopbackWhatsApp, tmp_path: Path
) -> None:
    world = RealWorld(whatsapp, backoff_first_seconds=0.05, backoff_limit_seconds=0.05, crash_limit=3)
    spec, number = spec_for(tmp_path), await world.phone("Ana")
    await link(world, spec, number)

    for _ in range(2):
        killed = kill_worker(world, "ses_1", with_signal=signal.SIGABRT)
        await comes_back(world, "ses_1", after=killed)
    kill_worker(world, "ses_1", with_signal=signal.SIGABRT)

    assert (await reaches(world, "ses_1", SessionStatus.FAILED)).reason is Reason.CRASH_LOOP
    await world.engine.run(spec)
    await connected(world, "ses_1")
    await world.engine.stop()


async def test_a_worker_killed_by_somebody_else_is_no_crash_loop(whatsapp: LoopbackWhatsApp, tmp_path: Path) -> None:
    world = RealWorld(whatsapp, backoff_first_seconds=0.05, backoff_limit_seconds=0.05, crash_limit=3)
    spec, number = spec_for(tmp_path), await world.phone("Ana")
    await link(world, spec, number)

    for _ in range(3):
        killed = kill_worker(world, "ses_1")
        await is_replaced(world, "ses_1", after=killed)
        killed = kill_worker(world, "ses_1")  # before it could connect
        await comes_back(world, "ses_1", after=killed)

    assert SessionStatus.FAILED not in world.listener.statuses("ses_1")
    await world.engine.stop()


@pytest.mark.parametrize("damage", ["not a database", "torn pages"])
async def test_a_key_store_that_cannot_be_read_is_no_crash_loop(real: RealWorld, tmp_path: Path, damage: str) -> None:
    spec, number = spec_for(tmp_path), await real.phone("Ana")
    await link(real, spec, number)
    await real.engine.halt("ses_1")
    _damage(Path(spec.folder), damage)

    await real.engine.run(spec)
    assert (await reaches(real, "ses_1", SessionStatus.FAILED)).reason is Reason.STORE_UNREADABLE

    await link(real, spec, number)
    assert list(Path(spec.folder).glob("keys.db.unreadable-*"))


def _damage(folder: Path, how: str) -> None:
    store = folder / "keys.db"
    (folder / "keys.db-wal").unlink()
    (folder / "keys.db-shm").unlink()
    size = max(store.stat().st_size, 64 * 1024)
    garbage = b"\xa5" * size
    store.write_bytes(garbage if how == "not a database" else b"SQLite format 3\0" + garbage)


async def test_a_folder_that_another_process_holds_is_not_touched(whatsapp: LoopbackWhatsApp, tmp_path: Path) -> None:
    world = RealWorld(whatsapp, store_in_use_patience_seconds=0.5)
    spec, number = spec_for(tmp_path), await world.phone("Ana")
    await link(world, spec, number)
    await world.engine.halt("ses_1")
    with (Path(spec.folder) / "lock").open("r+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        await world.engine.run(spec)
        assert (await reaches(world, "ses_1", SessionStatus.FAILED)).reason is Reason.STORE_IN_USE

    await world.engine.run(spec)
    await connected(world, "ses_1")
    await world.engine.stop()


async def test_a_crafted_message_is_reported_as_undecryptable_or_not_at_all(real: RealWorld, tmp_path: Path) -> None:
    spec, number, other = spec_for(tmp_path), await real.phone("Ana"), await real.phone("Ben")
    await link(real, spec, number)
    sender = f"{other.removeprefix('+')}@s.whatsapp.net"
    broken = {
        "tag": "message",
        "attrs": {"from": sender, "id": "BROKEN1", "type": "text", "t": "1700000000"},
        "content": [{"tag": "enc", "attrs": {"v": "2", "type": "msg"}, "content": {"base64": "AAAA"}}],
    }

    await real.fault(kind="stanza", number=number, stanza=broken)
    await real.write(other, "ses_1", number, "a whole one")

    await real.listener.until(lambda: real.listener.texts("ses_1") == ["a whole one"])
    assert [event.key.wa_id for event in real.listener.events(MessageReceived)].count("BROKEN1") == 0


async def test_the_engine_stops_many_sessions_quickly(whatsapp: LoopbackWhatsApp, tmp_path: Path) -> None:
    world = RealWorld(whatsapp)
    specs = [spec_for(tmp_path, f"ses_{n}") for n in range(4)]
    for spec in specs:
        await link(world, spec, await world.phone("Ana"))

    started = time.monotonic()
    await world.engine.stop()

    assert time.monotonic() - started < 5
    assert all(world.listener.statuses(spec.session_id)[-1] is SessionStatus.STOPPED for spec in specs)


async def test_stopping_while_a_code_is_shown_leaves_no_process(whatsapp: LoopbackWhatsApp, tmp_path: Path) -> None:
    world = RealWorld(whatsapp)
    await world.engine.pair(spec_for(tmp_path))
    await world.listener.until(lambda: world.listener.events(QrShown))

    started = time.monotonic()
    await world.engine.stop()

    assert time.monotonic() - started < 2
    with (tmp_path / "ses_1" / "lock").open("r+") as free:
        fcntl.flock(free, fcntl.LOCK_EX | fcntl.LOCK_NB)


async def _until(condition: object, seconds: float = 10.0) -> None:
    assert callable(condition)
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)
