"""The systemd unit: hardened, explained, and pointing to what exists."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from gateway.cli.main import build_app
from gateway.exits import ExitCode

FOLDER = Path(__file__).parent.parent.parent / "systemd"
UNIT = FOLDER / "wagate.service"
HIGHEST_EXPOSURE = 1.5


def lines() -> list[str]:
    return UNIT.read_text("utf-8").splitlines()


def setting(name: str) -> str:
    return next(line.partition("=")[2] for line in lines() if line.startswith(f"{name}="))


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_the_service_is_hardly_exposed() -> None:
    told = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", str(UNIT)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    ).stdout

    found = re.search(r"Overall exposure level for wagate.service: ([0-9.]+)", told)
    assert found, told
    assert float(found[1]) <= HIGHEST_EXPOSURE


def test_each_line_says_why_it_is_there() -> None:
    unexplained = [
        line
        for above, line in zip(lines(), lines()[1:], strict=False)
        if re.match(r"[A-Za-z]+=", line) and not above.startswith("#") and not line.startswith("Description=")
    ]

    assert unexplained == []


def test_it_runs_a_command_that_exists_under_an_account_that_is_made() -> None:
    words = setting("ExecStart").split()
    accounts = (FOLDER / "wagate.sysusers").read_text("utf-8")

    assert words[0].endswith("/wagate")
    assert words[1] in list(build_app())
    assert "--config" in words
    assert f"u {setting('User')} " in accounts


def test_a_wrong_setting_is_not_tried_for_ever() -> None:
    assert setting("RestartPreventExitStatus") == str(int(ExitCode.USAGE))
