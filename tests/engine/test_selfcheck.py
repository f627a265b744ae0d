"""The library is trusted only if it is the one that was installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sessions.sandbox.loopback import LoopbackWhatsApp
from sessions.status import Reason, SessionStatus
from sessions.worker.selfcheck import EngineUnusableError, check_file, library_path
from sessions.worker.trust import TrustRootError, swap_root
from tests.engine.worlds import RealWorld, reaches, spec_for


@pytest.fixture
def library() -> Path:
    return library_path(os.uname().machine)


def test_the_installed_library_is_the_recorded_one(library: Path) -> None:
    check_file(library)


def test_an_altered_library_is_refused(library: Path, tmp_path: Path) -> None:
    altered = tmp_path / library.name
    shutil.copy(library, altered)
    with altered.open("r+b") as file:
        last = file.seek(-1, os.SEEK_END)
        flipped = bytes([file.read(1)[0] ^ 1])
        file.seek(last)
        file.write(flipped)

    with pytest.raises(EngineUnusableError):
        check_file(altered)


def test_a_library_that_nobody_recorded_is_refused(tmp_path: Path) -> None:
    (tmp_path / "another.so").write_bytes(b"")

    with pytest.raises(EngineUnusableError):
        check_file(tmp_path / "another.so")


def test_a_machine_without_a_library_is_refused() -> None:
    with pytest.raises(EngineUnusableError):
        library_path("pdp11")


def test_the_trust_root_is_not_swapped_where_it_is_not_found_once(library: Path) -> None:
    with pytest.raises(TrustRootError):
        swap_root(library, bytes(32))
    with pytest.raises(TrustRootError):
        swap_root(library, b"short")


def test_a_worker_loads_nothing_that_it_does_not_need() -> None:
    listing = "import sys, sessions.worker.__main__; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", listing], capture_output=True, check=True, text=True, env={"PYTHONPATH": str(Path.cwd())}
    ).stdout.split()

    heavy = {"pydantic", "aiohttp", "structlog", "sqlalchemy", "asyncio", "sqlite3", "magic", "PIL", "requests"}
    assert "sessions.worker.runner" in loaded
    assert heavy.isdisjoint(loaded)
    assert not any(name.startswith(("gateway", "web", "neonize.client", "neonize._binder")) for name in loaded)


async def test_an_unusable_engine_starts_no_session(whatsapp: LoopbackWhatsApp, tmp_path: Path) -> None:
    world = RealWorld(whatsapp)
    world.engine.self_check = _failing_self_check  # type: ignore[method-assign]
    await world.engine.start()

    await world.engine.run(spec_for(tmp_path))
    await world.engine.pair(spec_for(tmp_path, "ses_2"))

    for session_id in ("ses_1", "ses_2"):
        change = await reaches(world, session_id, SessionStatus.FAILED)
        assert change.reason is Reason.ENGINE_UNUSABLE
        assert world.engine.worker_pid(session_id) is None
    await world.engine.stop()


async def _failing_self_check() -> list[str]:
    return ["the engine's library is another one"]
