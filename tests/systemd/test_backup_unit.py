"""The units of the hourly backup: hardened, explained, and calling a command that there is."""

from __future__ import annotations

import re
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

from gateway.cli.main import build_app

FOLDER = Path(__file__).parent.parent.parent / "systemd"
UNITS = (FOLDER / "wagate-backup.service", FOLDER / "wagate-backup.timer")


def setting(name: str) -> str:
    lines = UNITS[0].read_text("utf-8").splitlines()
    return next(line.partition("=")[2] for line in lines if line.startswith(f"{name}="))


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_the_backup_is_hardly_exposed() -> None:
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", str(UNITS[0])]
    told = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False).stdout

    found = re.search(r"Overall exposure level for wagate-backup.service: ([0-9.]+)", told)
    assert found, told
    assert float(found[1]) <= 1.5


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.suffix)
def test_each_line_says_why_it_is_there(unit: Path) -> None:
    lines = unit.read_text("utf-8").splitlines()
    unexplained = [
        line
        for above, line in pairwise(lines)
        if re.match(r"[A-Za-z]+=", line) and not above.startswith("#") and not line.startswith("Description=")
    ]

    assert unexplained == []


def test_it_calls_the_command_as_it_is() -> None:
    words = setting("ExecStart").split()

    command, bound, _ = build_app().parse_args(words[1:], print_error=False, exit_on_error=False)

    assert command.__name__ == "backup"
    assert (str(bound.arguments["file"]), bound.arguments["keep"]) == ("/var/lib/wagate-backups", 48)
    assert bound.arguments["key_file"].name == setting("LoadCredential").partition(":")[0]
