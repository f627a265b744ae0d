"""Backs up and restores, again and again, beside a gateway that sends and a store that is written to without a pause."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.bench.client import BenchError
from gateway.torture.comparing import Difference, compare
from gateway.torture.contract import Claim, Ordeal, Torture
from gateway.torture.crowd import percentile
from gateway.torture.customers import Customer
from gateway.torture.scribe import Scribe
from gateway.torture.world import open_world

LOOPS: Final = 50
WRITES_PER_SECOND: Final = 500.0
_PASSPHRASE: Final = "correct horse battery staple"
_MESSAGES_PER_SECOND: Final = 3.0
#: A disaster is over within five minutes, for stores of up to a gigabyte.
_RESTORE_SECONDS: Final = 300.0


#: Backs up a data folder into an archive, or restores one from it.
Command = Callable[[str, Path, Path], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Loop:
    """One backup that was restored."""

    backup_seconds: float
    restore_seconds: float
    difference: Difference


async def run(ordeal: Ordeal) -> Sequence[Claim]:
    """The real commands, each a process of its own, beside a real gateway with a linked phone."""
    async with open_world(ordeal.folder) as world:
        data = Path(world.sandbox.rig.data) / "gateway"
        line = await world.line()
        customer = Customer(
            world=world,
            line=line,
            recipients=[await world.phone()],
            per_second=_MESSAGES_PER_SECOND,
            chance=ordeal.chance,
        )
        is_over = asyncio.Event()
        async with Scribe(data / "wagate.db", per_second=WRITES_PER_SECOND) as scribe, asyncio.TaskGroup() as traffic:
            traffic.create_task(customer.run(is_over))
            traffic.create_task(scribe.run(is_over))
            try:
                loops = await loop_often(ordeal, data, scribe, times=ordeal.times(LOOPS))
            finally:
                is_over.set()
        # The gateway's log is not looked at: on a busy machine the scribe, a second writer, may keep it waiting too long.
        return claims_of(loops, scribe)


async def loop_often(
    ordeal: Ordeal, data: Path, scribe: Scribe, *, times: int, wagate: Command | None = None
) -> list[Loop]:
    """Back up and restore so many times, while somebody writes. ``wagate`` runs the commands."""
    loops = []
    for number in range(times):
        loops.append(await _loop(ordeal.folder, data, scribe, wagate or run_apart))
        ordeal.tell(f"loop {number + 1} of {times}: {loops[-1].difference.rows} rows came back")
    return loops


def claims_of(loops: Sequence[Loop], scribe: Scribe) -> list[Claim]:
    """What is promised of backups."""
    found = [loop.difference for loop in loops]
    backups, restores = [loop.backup_seconds for loop in loops], [loop.restore_seconds for loop in loops]
    broken = next((one.damage for one in found if one.damage), "")
    return [
        Claim(name="backups that were restored", measured=len(loops)),
        Claim(
            name="writes meanwhile", measured=scribe.rate, unit="/s", note=f"{scribe.written} in all, each of 3 rows"
        ),
        Claim(name="rows that came back, most", measured=max(one.rows for one in found)),
        Claim(name="rows that differ from the original", measured=sum(one.changed for one in found), at_most=0),
        Claim(name="written before the backup, and missing", measured=sum(one.missing for one in found), at_most=0),
        Claim(name="transactions of which half came back", measured=sum(one.halves for one in found), at_most=0),
        Claim(
            name="restored stores that are damaged",
            measured=sum(bool(one.damage) for one in found),
            at_most=0,
            note=broken,
        ),
        Claim(name="a backup, p50", measured=percentile(backups, 0.5), unit="s"),
        Claim(name="a backup, longest", measured=max(backups), unit="s"),
        Claim(name="a restore, longest", measured=max(restores), unit="s", at_most=_RESTORE_SECONDS),
    ]


async def _loop(folder: Path, data: Path, scribe: Scribe, wagate: Command) -> Loop:
    archive, restored = folder / "backup", folder / "restored"
    known = scribe.written
    began = time.monotonic()
    await wagate("backup", data, archive)
    made = time.monotonic()
    await wagate("restore", restored, archive)
    done = time.monotonic()
    difference = await asyncio.to_thread(
        compare, restored / "wagate.db", data / "wagate.db", prefix=scribe.prefix, at_least=known
    )
    archive.unlink()
    shutil.rmtree(restored)
    return Loop(backup_seconds=made - began, restore_seconds=done - made, difference=difference)


async def run_apart(command: str, data: Path, archive: Path) -> None:
    """`wagate backup` or `wagate restore`, as a process of its own."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", command, str(archive)),
        env=_environment({"WAGATE_STORE__DATA_FOLDER": str(data)}),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, complaint = await process.communicate()
    if process.returncode:
        raise BenchError(f"wagate {command} ended with {process.returncode}: {complaint.decode().strip()}")


def _environment(settings: Mapping[str, str]) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("WAGATE_")}
    return inherited | {"WAGATE_ARCHIVE_PASSPHRASE": _PASSPHRASE} | dict(settings)


TORTURE = Torture(
    name="backup-loops",
    sentence="backups beside 500 writes a second are restored, and equal the store at one moment",
    run=run,
)
