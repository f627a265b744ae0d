"""Runs a helper program on a file that somebody else made: bounded in time, memory and output, fed with nothing."""

from __future__ import annotations

import asyncio
import contextlib
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Final

#: Playlists inside a file could name others, on this host or elsewhere.
PLAIN_FILES_ONLY = ("-protocol_whitelist", "file,pipe")

_MEMORY_BYTES: Final = 4 * 1024**3
_WRITTEN_BYTES: Final = 1024**3
_PRINTED_BYTES: Final = 4 * 1024**2
_PIECE_BYTES: Final = 256 * 1024


class ProgramFailedError(Exception):
    """The program said no, took too long or wanted too much."""


class _Collector:
    """Keeps what a program prints, up to a limit."""

    def __init__(self) -> None:
        self.output = bytearray()

    def take(self, piece: bytes) -> None:
        self.output += piece
        if len(self.output) > _PRINTED_BYTES:
            raise ProgramFailedError("it says too much")


async def run_program(
    program: str | Path,
    *arguments: str,
    timeout_seconds: float,
    memory_bytes: int = _MEMORY_BYTES,
    take: Callable[[bytes], None] | None = None,
) -> bytes:
    """What the program printed; raises ProgramFailedError. It does not outlive the call.

    With ``take`` each piece of it goes there instead, in a thread, and nothing is kept.
    """
    collector = _Collector()
    process = await asyncio.create_subprocess_exec(
        program,
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        _bind(process.pid, timeout_seconds, memory_bytes)
        async with asyncio.timeout(timeout_seconds):
            await _read(process, take or collector.take)
            await process.wait()
    except TimeoutError:
        raise ProgramFailedError("it took too long") from None
    finally:
        await _end(process)
    if process.returncode != 0:
        raise ProgramFailedError("the file cannot be read")
    return bytes(collector.output)


def _bind(pid: int, seconds: float, memory_bytes: int) -> None:
    """Set limits from outside: what runs after a fork of this process should be as little as can be."""
    limits = {
        resource.RLIMIT_AS: memory_bytes,
        resource.RLIMIT_CPU: int(seconds * 4) + 1,
        resource.RLIMIT_FSIZE: _WRITTEN_BYTES,
        resource.RLIMIT_CORE: 0,
    }
    with contextlib.suppress(ProcessLookupError):  # it is over already
        for kind, most in limits.items():
            resource.prlimit(pid, kind, (most, most))


async def _read(process: asyncio.subprocess.Process, take: Callable[[bytes], None]) -> None:
    assert process.stdout is not None, "its output is a pipe"
    while piece := await process.stdout.read(_PIECE_BYTES):
        await asyncio.to_thread(take, piece)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        if process.stdout is not None:  # what it has printed is of no interest, but keeps the pipe open
            while await process.stdout.read(_PIECE_BYTES):
                continue
        await process.wait()
