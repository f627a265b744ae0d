"""Connected and alive are two things: how the difference is noticed, told and mended. The real engine."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from sessions.errors import SessionError
from sessions.liveness import LivenessState
from sessions.protocol import Probing
from sessions.sandbox.loopback import LoopbackWhatsApp
from sessions.status import Reason, SessionStatus
from tests.engine.worlds import RealWorld, connected, envelope, link, send, spec_for

pytestmark = pytest.mark.long

QUICK = Probing(every_seconds=0.3, answer_seconds=0.5, pulse_seconds=0.1)

#: The library does not know this kind of receipt, and stops delivering anything.
UNREADABLE = {
    "tag": "receipt",
    "attrs": {"from": "15550001111@s.whatsapp.net", "id": "3EB0AAAA", "type": "server-error", "t": "1700000000"},
}


@pytest.fixture
async def quick(whatsapp: LoopbackWhatsApp) -> AsyncIterator[RealWorld]:
    """The real engine, which asks for a sign of life several times a second."""
    world = RealWorld(
        whatsapp,
        probing=QUICK,
        missing_pulses=20,
        stop_grace_seconds=0.5,
        backoff_first_seconds=0.1,
        backoff_limit_seconds=0.3,
    )
    await world.engine.start()
    yield world
    whatsapp.faults.clear()
    await world.engine.stop()


async def until(condition: Callable[[], object], seconds: float = 15.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


async def test_a_silent_session_proves_that_it_lives(quick: RealWorld, tmp_path: Path) -> None:
    await link(quick, spec_for(tmp_path), await quick.phone("Ana"))
    await until(lambda: quick.engine.liveness("ses_1").probe_ms is not None)
    first = quick.engine.liveness("ses_1")

    await until(lambda: (quick.engine.liveness("ses_1").last_proof_at or 0) > (first.last_proof_at or 0) + 0.5)

    later = quick.engine.liveness("ses_1")
    assert later.state is LivenessState.LIVE
    assert later.reason is None
    assert later.probe_ms is not None
    assert later.probe_ms < 500
    assert quick.engine.status("ses_1").live


async def test_a_frozen_connection_is_noticed_and_replaced(
    quick: RealWorld, whatsapp: LoopbackWhatsApp, tmp_path: Path
) -> None:
    spec, number = spec_for(tmp_path), await quick.phone("Ana")
    await link(quick, spec, number)
    worker = quick.engine.worker_pid("ses_1")
    frozen_at = time.monotonic()

    await quick.fault(kind="freeze", number=number)
    await until(lambda: quick.engine.liveness("ses_1").state is LivenessState.DEGRADED)
    noticed = time.monotonic() - frozen_at
    assert quick.engine.status("ses_1").status is SessionStatus.CONNECTED, "the socket still stands"
    assert quick.engine.liveness("ses_1").reason is Reason.PROBE_UNANSWERED
    await until(lambda: quick.engine.worker_pid("ses_1") != worker)
    whatsapp.faults.clear()
    await connected(quick, "ses_1")

    assert noticed < QUICK.every_seconds * 1.2 + QUICK.answer_seconds + 1
    assert quick.engine.liveness("ses_1").recycles >= 1
    await send(quick, "ses_1", envelope(await quick.phone("Ben"), "and on we go"))


async def test_an_answer_that_is_only_late_needs_no_new_worker(
    quick: RealWorld, whatsapp: LoopbackWhatsApp, tmp_path: Path
) -> None:
    spec, number = spec_for(tmp_path), await quick.phone("Ana")
    await link(quick, spec, number)
    worker = quick.engine.worker_pid("ses_1")

    await quick.fault(kind="slow", number=number, delay=0.75)
    await until(lambda: quick.engine.liveness("ses_1").state is LivenessState.DEGRADED)
    whatsapp.faults.clear()
    await until(lambda: quick.engine.liveness("ses_1").state is LivenessState.LIVE)

    assert quick.engine.worker_pid("ses_1") == worker
    assert [change.reason for change in quick.listener.changes if not change.live][-1] is Reason.PROBE_UNANSWERED


async def test_a_slow_whatsapp_within_bounds_is_alive_and_says_how_slow(quick: RealWorld, tmp_path: Path) -> None:
    spec, number = spec_for(tmp_path), await quick.phone("Ana")
    await link(quick, spec, number)

    await quick.fault(kind="slow", number=number, delay=0.2)
    await until(lambda: (quick.engine.liveness("ses_1").probe_ms or 0) >= 200)

    assert quick.engine.liveness("ses_1").state is LivenessState.LIVE


async def test_a_message_that_was_taken_is_proof_enough(whatsapp: LoopbackWhatsApp, tmp_path: Path) -> None:
    world = RealWorld(whatsapp, probing=Probing(every_seconds=1000, answer_seconds=5, pulse_seconds=0.05))
    spec, number, other = spec_for(tmp_path), await world.phone("Ana"), await world.phone("Ben")
    await link(world, spec, number)
    before = world.engine.liveness("ses_1").last_proof_at or 0

    await send(world, "ses_1", envelope(other, "hello"))
    await until(lambda: (world.engine.liveness("ses_1").last_proof_at or 0) > before)

    assert world.engine.liveness("ses_1").probe_ms is None, "nothing was asked"
    await world.engine.stop()


async def test_a_worker_that_hangs_is_replaced(whatsapp: LoopbackWhatsApp, tmp_path: Path) -> None:
    world = RealWorld(whatsapp, probing=QUICK, missing_pulses=10, stop_grace_seconds=0.2, kill_after_seconds=0.5)
    await link(world, spec_for(tmp_path), await world.phone("Ana"))
    worker = world.engine.worker_pid("ses_1")
    assert worker is not None
    await until(lambda: world.engine.liveness("ses_1").probe_ms is not None)

    os.kill(worker, signal.SIGSTOP)
    await until(lambda: world.engine.worker_pid("ses_1") not in (worker, None))
    await connected(world, "ses_1")

    reasons = [change.reason for change in world.listener.changes]
    assert Reason.WORKER_SILENT in reasons
    assert world.engine.liveness("ses_1").state is LivenessState.LIVE
    await world.engine.stop()


async def test_an_engine_that_stops_listening_is_noticed_within_a_second(quick: RealWorld, tmp_path: Path) -> None:
    spec, number = spec_for(tmp_path), await quick.phone("Ana")
    await link(quick, spec, number)
    poisoned_at = time.time()

    await quick.fault(kind="stanza", number=number, stanza=UNREADABLE)
    await until(lambda: any(change.reason is Reason.ENGINE_DEAF for change in quick.listener.changes))

    deaf = next(change for change in quick.listener.changes if change.reason is Reason.ENGINE_DEAF)
    assert deaf.at - poisoned_at < 1
    assert not deaf.live
    await connected(quick, "ses_1")
    assert quick.engine.liveness("ses_1").state is LivenessState.LIVE


async def test_who_shares_a_worker_with_a_mute_session_is_hurt_once(whatsapp: LoopbackWhatsApp, tmp_path: Path) -> None:
    world = RealWorld(
        whatsapp,
        probing=QUICK,
        missing_pulses=50,
        backoff_first_seconds=0.1,
        sessions_per_worker=2,
        stop_grace_seconds=0.5,
    )
    specs = [spec_for(tmp_path, f"ses_{n}") for n in (1, 2)]
    numbers = [await world.phone(name) for name in ("Ana", "Ben")]
    for spec, number in zip(specs, numbers, strict=True):
        await link(world, spec, number)
    for spec in specs:
        await world.engine.halt(spec.session_id)
    await asyncio.gather(*(world.engine.run(spec) for spec in specs))
    for spec in specs:
        await connected(world, spec.session_id)
    shared = world.engine.worker_pid("ses_2")
    assert world.engine.worker_pid("ses_1") == shared

    await world.fault(kind="freeze", number=numbers[0])
    await until(lambda: world.engine.worker_pid("ses_2") not in (shared, None))
    await connected(world, "ses_2")
    await until(lambda: world.engine.worker_pid("ses_1") not in (shared, None))

    assert world.engine.worker_pid("ses_1") != world.engine.worker_pid("ses_2")
    assert world.engine.status("ses_1").status is SessionStatus.RECONNECTING
    assert (world.engine.liveness("ses_1").recycles, world.engine.liveness("ses_2").recycles) == (1, 0)
    whatsapp.faults.clear()
    await connected(world, "ses_1")
    await world.engine.stop()


async def test_calls_to_a_frozen_session_fail_in_time(quick: RealWorld, tmp_path: Path) -> None:
    spec, number, other = spec_for(tmp_path), await quick.phone("Ana"), await quick.phone("Ben")
    await link(quick, spec, number)
    await quick.fault(kind="freeze", number=number)

    with pytest.raises(SessionError):
        await send(quick, "ses_1", envelope(other, "hello"), timeout_seconds=10)


async def test_whoever_sends_what_the_engine_cannot_read_switches_nobody_off(
    whatsapp: LoopbackWhatsApp, tmp_path: Path
) -> None:
    world = RealWorld(whatsapp, crash_limit=2, backoff_first_seconds=0.05, backoff_limit_seconds=0.1)
    spec, number = spec_for(tmp_path), await world.phone("Ana")
    await link(world, spec, number)

    for _ in range(4):
        worker = world.engine.worker_pid("ses_1")
        await world.fault(kind="stanza", number=number, stanza=UNREADABLE)
        await until(lambda worker=worker: world.engine.worker_pid("ses_1") not in (worker, None))
        await connected(world, "ses_1")

    assert SessionStatus.FAILED not in world.listener.statuses("ses_1")
    await world.engine.stop()
