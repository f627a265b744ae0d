"""Ratchets that were taken back, and the real engine that goes on with them."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from sessions.events import MessageUndecryptable
from sessions.status import SessionStatus
from tests.engine.worlds import RealWorld, connected, envelope, link, reaches, send, spec_for

pytestmark = pytest.mark.long


@pytest.mark.parametrize("ends", ["in order", "killed"])
@pytest.mark.parametrize("is_answered", [False, True])
async def test_whoever_wrote_before_a_restart_is_understood_at_once_after_it(
    real: RealWorld, tmp_path: Path, ends: str, is_answered: bool
) -> None:
    spec = spec_for(tmp_path)
    ours, theirs = await real.phone("Shop"), await real.phone("Stranger")
    await link(real, spec, ours)
    await real.write(theirs, spec.session_id, ours, "one")
    await real.listener.until(lambda: real.listener.texts(spec.session_id) == ["one"])
    if is_answered:
        await send(real, spec.session_id, envelope(theirs, "welcome"))

    if ends == "in order":
        await real.engine.halt(spec.session_id)
        await real.engine.run(spec)
    else:
        pid = real.engine.worker_pid(spec.session_id)
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        await reaches(real, spec.session_id, SessionStatus.RECONNECTING)
    await connected(real, spec.session_id)
    await real.write(theirs, spec.session_id, ours, "two")
    await real.listener.until(lambda: len(real.listener.texts(spec.session_id)) == 2)

    assert real.listener.texts(spec.session_id) == ["one", "two"]
    assert real.listener.events(MessageUndecryptable) == []
