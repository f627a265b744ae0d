"""The store on a disk that fails at any write, and what is left of it when the power goes at any moment."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hardship.conftest import MakeFaults
from tests.hardship.faults import Change, Faults, read_trace
from tests.hardship.store_work import problems

REPOSITORY = Path(__file__).parents[2]
WORK = Path(__file__).with_name("store_work.py")
_SECTOR = 512


def work(faults: Faults, *arguments: object) -> str:
    command = [sys.executable, str(WORK), *map(str, arguments)]
    environment = {**os.environ, **faults.environment, "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(
        command, env=environment, cwd=REPOSITORY, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.mark.parametrize("what", ["eio", "full", "read-only"])
@pytest.mark.parametrize("writes", [12, pytest.param(500, marks=pytest.mark.torture)])
def test_whichever_write_fails_nothing_that_was_promised_is_lost_and_the_store_recovers(
    make_faults: MakeFaults, tmp_path: Path, what: str, writes: int
) -> None:
    assert json.loads(work(make_faults(tmp_path / "data"), what, tmp_path / "data", writes)) == []


@pytest.mark.parametrize(("rows", "moments"), [(60, 150), pytest.param(600, 2000, marks=pytest.mark.torture)])
def test_after_a_power_cut_at_any_moment_all_that_was_promised_is_there(
    make_faults: MakeFaults, tmp_path: Path, rows: int, moments: int
) -> None:
    trace = tmp_path / "trace"
    work(make_faults(tmp_path / "data", trace=trace), "steady", tmp_path / "data", rows)
    changes = read_trace(trace)
    first = next(number for number, change in enumerate(changes) if change.data == b"ready\n")
    chance = random.Random(1)

    wrong = []
    for moment in sorted(chance.choices(range(first + 1, len(changes) + 1), k=moments)):
        disk, kept = left_after_a_power_cut(changes[:moment], chance)
        wrong += [f"change {moment}: {problem}" for problem in problems(restored(disk, tmp_path / "after"), kept)]

    assert wrong == []
    assert len(kept) > rows // 4


def left_after_a_power_cut(changes: list[Change], chance: random.Random) -> tuple[dict[str, bytearray], list[int]]:
    """What is on the disk, and which rows were promised by then.

    What was made durable is there. Of the rest each sector is or is not, as the disk pleases.
    """
    disk: dict[str, bytearray] = {}
    waiting: dict[str, list[Change]] = {}
    kept: list[int] = []
    for change in changes:
        if change.path == "/acks":
            kept += [int(change.data)] if change.data != b"ready\n" else []
        elif change.operation == "u":
            disk.pop(change.path, None)
            waiting.pop(change.path, None)
        elif change.operation == "s":
            for earlier in waiting.pop(change.path, []):
                apply(disk, earlier)
        else:
            waiting.setdefault(change.path, []).append(change)
    for rest in waiting.values():
        for change in rest:
            for piece in pieces(change):
                if chance.random() < 0.5:
                    apply(disk, piece)
    return disk, kept


def apply(disk: dict[str, bytearray], change: Change) -> None:
    content = disk.setdefault(change.path, bytearray())
    if change.operation == "t":
        del content[change.offset :]
        content.extend(bytes(change.offset - len(content)))
        return
    content.extend(bytes(max(change.offset - len(content), 0)))
    content[change.offset : change.offset + len(change.data)] = change.data


def pieces(change: Change) -> Iterator[Change]:
    if change.operation == "t":
        yield change
    for start in range(0, len(change.data), _SECTOR):
        yield Change("w", change.path, change.offset + start, change.data[start : start + _SECTOR])


def restored(disk: dict[str, bytearray], folder: Path) -> Path:
    """The disk's files, as the next start finds them. What SQLite only keeps in memory is not among them."""
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    for name, content in disk.items():
        if not name.endswith("-shm"):
            (folder / name.lstrip("/")).write_bytes(content)
    return folder / "store.db"
