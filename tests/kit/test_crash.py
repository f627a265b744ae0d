"""Crash points: armed by a folder of fuses, each for one process; otherwise they do nothing."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sessions.crash import CrashPoint, arm, crash_point

_PROCESS = """
import sys
from sessions.crash import CrashPoint, arm, crash_point
arm(sys.argv[1])
crash_point(CrashPoint.OUTBOX_CLAIMED)
crash_point(CrashPoint.OUTBOX_SETTLED)
print("alive")
"""


def run_past(folder: Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-c", _PROCESS, str(folder)],
        check=False,
        capture_output=True,
        env={"PYTHONPATH": str(Path(__file__).parents[2])},
    )


def test_who_finds_a_fuse_takes_it_and_is_dead_and_the_next_one_lives(tmp_path: Path) -> None:
    (tmp_path / CrashPoint.OUTBOX_SETTLED.value).touch()

    first, second = run_past(tmp_path), run_past(tmp_path)

    assert first.returncode == -signal.SIGKILL
    assert (second.returncode, second.stdout) == (0, b"alive\n")
    assert list(tmp_path.iterdir()) == []


def test_unarmed_points_leave_everything_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / CrashPoint.API_COMMITTED.value).touch()
    monkeypatch.chdir(tmp_path)

    arm(None)
    crash_point(CrashPoint.API_COMMITTED)

    assert (tmp_path / CrashPoint.API_COMMITTED.value).exists()
