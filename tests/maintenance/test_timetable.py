"""Chores are done at their times, one failure keeps no other from it, and stopping waits for what is under way."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.assembly.parts import build_parts
from gateway.config.settings import Config
from gateway.datafolder import DataFolder, FolderKind
from gateway.db.sqlite import SqliteDatabase
from gateway.kit.clock import SystemClock
from gateway.kit.metrics import Metrics
from gateway.maintenance import timetable as module
from gateway.maintenance.timetable import EVERY, Timetable


@dataclass
class Toy:
    """A chore of the tests."""

    name: str
    do: Callable[[], Awaitable[int]]

    async def run_once(self) -> int:
        return await self.do()


class Rig:
    """Starts timetables over toys, and stops them."""

    def __init__(self) -> None:
        self.metrics = Metrics(version="0")
        self.runs: Counter[tuple[str, str]] = Counter()
        self._timetables: list[Timetable] = []

    async def start(self, *chores: Toy, first_after: float = 0.0) -> Timetable:
        timetable = Timetable(
            chores=chores, clock=SystemClock(), on_run=self._note, first_after=timedelta(seconds=first_after)
        )
        self._timetables.append(timetable)
        await timetable.start()
        return timetable

    async def stop(self) -> None:
        for timetable in self._timetables:
            await timetable.stop()
            assert timetable.failure is None

    def _note(self, chore: str, outcome: str, count: int) -> None:
        self.metrics.chore_ran(chore, outcome, count)
        self.runs[chore, outcome] += 1


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    rig = Rig()
    yield rig
    await rig.stop()


def giving(count: int) -> Callable[[], Awaitable[int]]:
    async def do() -> int:
        return count

    return do


async def test_the_gateway_has_every_chore_that_its_store_needs(any_database: Any, tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    folder.prepare(FolderKind.SANDBOX)
    parts = build_parts(config=Config.model_construct(), loopback=None, folder=folder, database=any_database)

    counts = {chore.name: await chore.run_once() for chore in parts.timetable.chores}

    on_sqlite = isinstance(any_database, SqliteDatabase)
    every = EVERY.keys() - {"bucket", "copies"}  # of gateways that keep files in a bucket
    assert counts.keys() == (every if on_sqlite else every - {"optimize"})
    assert sum(counts.values()) == int(on_sqlite), "there is nothing to clear away yet"


async def test_a_chore_is_done_soon_after_the_start_and_again_and_again(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, eventually: Any
) -> None:
    monkeypatch.setitem(EVERY, "events", timedelta(seconds=1))

    await rig.start(Toy("events", giving(3)))

    await eventually(lambda: rig.runs["events", "done"] >= 2)
    shown = rig.metrics.render().decode()
    assert 'wagate_chore_runs_total{chore="events",outcome="done"} 2.0' in shown
    assert 'wagate_chore_items_total{chore="events"} 6.0' in shown


async def test_a_failing_chore_is_told_and_keeps_neither_others_nor_itself_from_their_times(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, eventually: Any, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(EVERY, "links", timedelta(seconds=1))

    async def fail() -> int:
        raise OSError("no room")

    await rig.start(Toy("links", fail), Toy("spool", giving(0)))

    await eventually(lambda: rig.runs["links", "failed"] >= 2 and rig.runs["spool", "done"])
    errors = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert len(errors) == rig.runs["links", "failed"]
    assert "chore='links'" in errors[0]


async def test_a_chore_that_takes_long_is_not_begun_twice(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, eventually: Any
) -> None:
    monkeypatch.setitem(EVERY, "events", timedelta(seconds=1))
    monkeypatch.setitem(EVERY, "spool", timedelta(seconds=1))
    begun: list[int] = []

    async def dawdle() -> int:
        begun.append(1)
        await asyncio.Event().wait()
        return 0

    await rig.start(Toy("events", dawdle), Toy("spool", giving(0)))

    await eventually(lambda: rig.runs["spool", "done"] >= 3)
    assert len(begun) == 1


async def test_stopping_cuts_a_chore_short_quietly_and_waits_until_it_has_let_go(
    rig: Rig, eventually: Any, caplog: pytest.LogCaptureFixture
) -> None:
    begun, let_go = asyncio.Event(), asyncio.Event()

    async def dawdle() -> int:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.to_thread(let_go.set)
        return 0

    timetable = await rig.start(Toy("events", dawdle))
    await asyncio.wait_for(begun.wait(), 10)

    await timetable.stop()

    assert let_go.is_set()
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_nothing_is_done_while_the_gateway_starts(rig: Rig) -> None:
    timetable = await rig.start(Toy("events", giving(0)), first_after=3600)

    await timetable.stop()

    assert rig.runs == {}
    assert timedelta(minutes=1) <= module.FIRST_AFTER


async def test_a_timetable_that_is_stopped_before_it_has_begun_stops(rig: Rig) -> None:
    timetable = await rig.start(Toy("events", giving(0)))

    await asyncio.wait_for(timetable.stop(), 10)
