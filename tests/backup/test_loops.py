"""Backups made while somebody writes without a pause are the store at one moment: a small cut of ``backup-loops``."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

from gateway.torture.backup_loops import claims_of, loop_often
from gateway.torture.comparing import compare
from gateway.torture.contract import Ordeal
from gateway.torture.scribe import Scribe
from tests.backup.conftest import back_up, bring_back, premises_at


async def run_here(command: str, data: Path, archive: Path) -> None:
    """The same commands without the start of a process each."""
    if command == "backup":
        await back_up(premises_at(data), archive)
    else:
        await bring_back(premises_at(data), archive, data)


async def test_what_comes_back_is_the_store_at_one_moment(premises, tmp_path):
    data = premises.folder.path
    is_over = asyncio.Event()
    async with Scribe(data / "wagate.db", per_second=500.0) as scribe, asyncio.TaskGroup() as writing:
        writing.create_task(scribe.run(is_over))
        loops = await loop_often(Ordeal(folder=tmp_path, quiet=True), data, scribe, times=2, wagate=run_here)
        is_over.set()

    claims = claims_of(loops, scribe)

    assert [claim for claim in claims if claim.kept is False] == []
    assert min(loop.difference.rows for loop in loops) > 0
    assert scribe.rate > 0


async def test_the_comparison_sees_what_is_not_as_it_was(premises, tmp_path):
    original, copy = premises.folder.path / "wagate.db", tmp_path / "copy.db"
    is_over = asyncio.Event()
    async with Scribe(original, per_second=500.0) as scribe:
        asyncio.get_running_loop().call_later(0.1, is_over.set)
        await scribe.run(is_over)
    with closing(sqlite3.connect(original)) as store:
        store.execute("VACUUM INTO ?", (str(copy),))
    same = compare(copy, original, prefix=scribe.prefix, at_least=scribe.written)

    with closing(sqlite3.connect(copy)) as store:
        store.execute("UPDATE contacts SET push_name = 'somebody else' WHERE id = (SELECT min(id) FROM contacts)")
        store.execute("DELETE FROM events WHERE id = (SELECT max(id) FROM events)")
        store.commit()
    other = compare(copy, original, prefix=scribe.prefix, at_least=scribe.written)

    assert (same.rows, same.changed, same.missing, same.halves, same.damage) == (scribe.written * 3, 0, 0, 0, "")
    assert (other.changed, other.missing, other.halves) == (1, 1, 1)
