"""What `wagate bench` does on the command line: start a sandbox of its own, measure, print, clean up."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec

from gateway.bench import fleet, journey, search
from gateway.bench.client import Client
from gateway.bench.figures import Figure, render
from gateway.kit.errors import InvalidError
from gateway.kit.log import configure_logging
from gateway.sandbox.rig import Sandbox

Measurement = Callable[[Sandbox, Client, Path], Awaitable[list[Figure]]]


class Effort(msgspec.Struct, frozen=True, kw_only=True):
    """How long to measure. ``full`` is what the promises are stated for."""

    pairings: int = 50
    seconds: int = 30
    sessions: int = 30
    kills: int = 50
    messages: int = 1_000_000


FULL = Effort()
QUICK = Effort(pairings=5, seconds=5, sessions=5, kills=5, messages=20_000)


def measurements(effort: Effort) -> dict[str, Measurement]:
    """Every measurement by the name it has on the command line; each gets a sandbox of its own."""
    return {
        "pairing": lambda _sandbox, client, _folder: journey.pairing(client, count=effort.pairings),
        "send": lambda _sandbox, client, folder: journey.sending(client, folder, per_second=20, seconds=effort.seconds),
        "receive": lambda _sandbox, client, folder: journey.receiving(
            client, folder, per_second=50, seconds=effort.seconds
        ),
        "cold": lambda sandbox, client, _folder: fleet.cold_start(sandbox, client, count=effort.sessions),
        "kill": lambda sandbox, client, _folder: fleet.recovery(sandbox, client, kills=effort.kills),
        "search": lambda _sandbox, _client, folder: search.searching(folder, messages=effort.messages, questions=700),
    }


async def run_bench(*, names: tuple[str, ...], quick: bool) -> bool:
    """Measure what is named (all of it by default), print as it comes; True when every promise is kept.

    Raises InvalidError for a measurement that does not exist.
    """
    configure_logging(level="error")
    known = measurements(QUICK if quick else FULL)
    unknown = [name for name in names if name not in known]
    if unknown:
        raise InvalidError(f"There is no measurement {unknown[0]}; known are {', '.join(known)}.")
    kept = True
    for name in names or tuple(known):
        figures = await _measure(known[name])
        sys.stdout.write(f"\n{name}\n{render(figures)}\n")
        sys.stdout.flush()
        kept = kept and all(figure.holds is not False for figure in figures)
    return kept


async def _measure(measurement: Measurement) -> list[Figure]:
    folder = Path(tempfile.mkdtemp(prefix="wagate-bench-"))
    sandbox = Sandbox(data=folder)
    try:
        await sandbox.start()
        try:
            async with Client(sandbox.rig) as client:
                return await measurement(sandbox, client, folder)
        finally:
            await sandbox.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
