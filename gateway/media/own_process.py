"""Runs a module of ours on a file that somebody else made, in a process of its own."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from gateway.media.programs import run_program

_SOURCE_ROOT: Final = Path(__file__).resolve().parent.parent.parent
#: As for workers: with this process's import path it needs no site initialisation.
_BOOT: Final = (
    "import sys; sys.path[:] = sys.argv.pop(1).split(':'); from gateway.media.{} import main; main(sys.argv[1:])"
)


async def run_module(
    module: str,
    *arguments: str,
    timeout_seconds: float,
    memory_bytes: int,
    take: Callable[[bytes], None] | None = None,
) -> bytes:
    """What ``main`` of the module printed; raises ProgramFailedError. See :func:`run_program`."""
    search = ":".join(entry for entry in (*sys.path, str(_SOURCE_ROOT)) if entry)
    boot = ("-I", "-S", "-c", _BOOT.format(module), search)
    return await run_program(
        sys.executable, *boot, *arguments, timeout_seconds=timeout_seconds, memory_bytes=memory_bytes, take=take
    )
