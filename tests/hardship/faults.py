"""Makes the disk and the clock of a process misbehave, through the small library in ``faults.c``."""

from __future__ import annotations

import errno
import mmap
import shutil
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).with_name("faults.c")
_CONTROL = struct.Struct("=5q")  # countdown, errno, stays, failed, seconds that the clock is ahead


def build(folder: Path) -> Path:
    """The library, made by this machine's compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    assert compiler is not None, "ask for the fixture, which looks for one"
    library = folder / "faults.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", str(library), str(SOURCE), "-ldl"], check=True)
    return library


class Faults:
    """What goes wrong, and when. It concerns processes that are started with :attr:`environment`."""

    def __init__(self, *, library: Path, control: Path, folder: Path, trace: Path | None = None) -> None:
        control.write_bytes(bytes(_CONTROL.size))
        with control.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), _CONTROL.size)
        self.environment = {
            "LD_PRELOAD": str(library),
            "FAULTS_CONTROL": str(control),
            "FAULTS_FOLDER": str(folder),
        } | ({} if trace is None else {"FAULTS_TRACE": str(trace)})
        self._clock_offset = 0

    def fail(self, *, at: int = 1, error: int = errno.EIO, stays: bool = False) -> None:
        """Let the ``at``-th write from now on fail, and with ``stays`` all that follow."""
        self._set(at, error, stays)

    def heal(self) -> None:
        """Let all writes succeed again."""
        self._set(0, 0, False)

    @property
    def failed(self) -> int:
        """How many writes have failed."""
        return int(_CONTROL.unpack(self._memory[:])[3])

    def set_clock(self, *, ahead_seconds: int) -> None:
        """Put the wall clock forward, or back."""
        self._clock_offset = ahead_seconds
        countdown, error, stays, failed, _ = _CONTROL.unpack(self._memory[:])
        self._memory[:] = _CONTROL.pack(countdown, error, stays, failed, ahead_seconds)

    def _set(self, countdown: int, error: int, stays: bool) -> None:
        self._memory[:] = _CONTROL.pack(countdown, error, stays, 0, self._clock_offset)


@dataclass(frozen=True)
class Change:
    """One thing that a process did to a file: ``w`` wrote, ``t`` cut, ``s`` made durable, ``u`` deleted."""

    operation: str
    path: str
    offset: int
    data: bytes


def read_trace(path: Path) -> list[Change]:
    """Everything that happened, in order."""
    raw, at, changes = path.read_bytes(), 0, []
    while at < len(raw):
        end = raw.index(b"\n", at)
        operation, name, offset, length = raw[at:end].decode().split(" ")
        at = end + 1 + int(length)
        changes.append(Change(operation, name, int(offset), raw[end + 1 : at]))
    return changes
