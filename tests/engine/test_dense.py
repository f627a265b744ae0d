"""Several sessions in one worker: who shares it, and what one does to the others."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from sessions.protocol import SessionSpec
from sessions.status import Reason, SessionStatus
from tests.engine.worlds import RealWorld, connected, envelope, link, reaches, send, spec_for

pytestmark = pytest.mark.long

_DEAFENING = {"tag": "receipt", "attrs": {"id": "A1", "type": "server-error", "t": "1700000000"}}


async def _run_together(world: RealWorld, folder: Path, count: int, group: str = "") -> dict[str, SessionSpec]:
    """Link phones one after another, then start all sessions at once; the specs by the phones' numbers."""
    specs = {}
    for n in range(count):
        number = await world.phone(f"Phone {n}")
        spec = spec_for(folder, f"ses_{group}{n}", group=group)
        await link(world, spec, number)
        await world.engine.halt(spec.session_id)
        specs[number] = spec
    for spec in specs.values():
        await world.engine.run(spec)
    for spec in specs.values():
        await connected(world, spec.session_id)
    return specs


def _pids(world: RealWorld, specs: dict[str, SessionSpec]) -> list[int | None]:
    return [world.engine.worker_pid(spec.session_id) for spec in specs.values()]


async def test_sessions_wanted_together_share_a_worker(dense: RealWorld, tmp_path: Path) -> None:
    specs = await _run_together(dense, tmp_path, 3)

    assert len(set(_pids(dense, specs))) == 1
    other = await dense.phone("Eve")
    for spec in specs.values():
        await send(dense, spec.session_id, envelope(other, spec.session_id))
    assert sorted(dense.texts_at(other)) == sorted(spec.session_id for spec in specs.values())


async def test_groups_never_share_a_worker(dense: RealWorld, tmp_path: Path) -> None:
    ours = await _run_together(dense, tmp_path, 2, "a")
    theirs = await _run_together(dense, tmp_path, 2, "b")

    assert len(set(_pids(dense, ours))) == 1
    assert len(set(_pids(dense, theirs))) == 1
    assert set(_pids(dense, ours)).isdisjoint(_pids(dense, theirs))


async def test_halting_one_brings_the_others_back(dense: RealWorld, tmp_path: Path) -> None:
    first, *others = (await _run_together(dense, tmp_path, 3)).values()

    await dense.engine.halt(first.session_id)

    assert dense.engine.status(first.session_id).status is SessionStatus.STOPPED
    for spec in others:
        await connected(dense, spec.session_id)
    assert dense.engine.worker_pid(first.session_id) is None


async def test_one_that_ends_leaves_the_others_alone_and_can_be_linked_again(dense: RealWorld, tmp_path: Path) -> None:
    specs = await _run_together(dense, tmp_path, 3)
    (number, first), *others = specs.items()
    before = dense.engine.worker_pid(others[0][1].session_id)

    await dense.unlink(first.session_id, number)

    assert (await reaches(dense, first.session_id, SessionStatus.LOGGED_OUT)).reason is Reason.UNLINKED_FROM_PHONE
    for _, spec in others:
        assert dense.engine.status(spec.session_id).status is SessionStatus.CONNECTED
        assert dense.engine.worker_pid(spec.session_id) == before
    await link(dense, first, number)


async def test_a_killed_worker_comes_back_with_all_its_sessions(dense: RealWorld, tmp_path: Path) -> None:
    specs = await _run_together(dense, tmp_path, 3)
    pid = _pids(dense, specs)[0]
    assert pid is not None

    os.kill(pid, signal.SIGKILL)

    for spec in specs.values():
        await dense.listener.until(
            lambda name=spec.session_id: SessionStatus.RECONNECTING in dense.listener.statuses(name)
        )
        await connected(dense, spec.session_id)
    assert len(set(_pids(dense, specs))) == 1


async def test_one_that_brings_its_worker_down_twice_is_set_apart(dense: RealWorld, tmp_path: Path) -> None:
    specs = await _run_together(dense, tmp_path, 3)
    (number, sick), *others = specs.items()
    other = await dense.phone("Eve")
    stanza = {**_DEAFENING, "attrs": {**_DEAFENING["attrs"], "from": f"{other.removeprefix('+')}@s.whatsapp.net"}}

    for _ in range(2):
        before = dense.engine.worker_pid(sick.session_id)
        await dense.fault(kind="stanza", number=number, stanza=stanza)
        await _until(lambda before=before: dense.engine.worker_pid(sick.session_id) not in (None, before))
        for spec in specs.values():
            await connected(dense, spec.session_id)

    apart = dense.engine.worker_pid(sick.session_id)
    together = {dense.engine.worker_pid(spec.session_id) for _, spec in others}
    assert len(together) == 1
    assert apart not in together


async def test_a_worker_that_dies_twice_for_an_unknown_reason_is_split(dense: RealWorld, tmp_path: Path) -> None:
    specs = await _run_together(dense, tmp_path, 4)

    for _ in range(2):
        pid = _pids(dense, specs)[0]
        assert pid is not None
        os.kill(pid, signal.SIGABRT)
        await _until(lambda pid=pid: pid not in _pids(dense, specs) and None not in _pids(dense, specs))
        for spec in specs.values():
            await connected(dense, spec.session_id)

    pids = _pids(dense, specs)
    assert len(set(pids)) == 2
    assert sorted(pids.count(pid) for pid in set(pids)) == [2, 2]


async def _until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)
