"""Runs a helper program on a file that somebody else made: bounded in time, fed with nothing, allowed plain files only."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

#: Playlists inside a file could name others, on this host or elsewhere.
PLAIN_FILES_ONLY = ("-protocol_whitelist", "file,pipe")


class ProgramFailedError(Exception):
    """The program said no, or took too long."""


async def run_program(program: str | Path, *arguments: str, timeout_seconds: float) -> bytes:
    """What the program printed; raises ProgramFailedError. It does not outlive the call."""
    process = await asyncio.create_subprocess_exec(
        program,
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), timeout_seconds)
    except TimeoutError:
        raise ProgramFailedError("it took too long") from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode != 0:
        raise ProgramFailedError("the file cannot be read")
    return output
