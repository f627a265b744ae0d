"""What the worker process asks of the operating system before it does anything else."""

from __future__ import annotations

import ctypes
import fcntl
import os
import resource
import signal
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_LOCK_NAME = "lock"


class FolderInUseError(Exception):
    """Another process holds the session's folder."""


def settle(parent: int) -> None:
    """Leave nothing behind: no core dumps (they hold keys), no readable files, no life without the daemon."""
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    prctl = ctypes.CDLL(None).prctl
    prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        # The daemon died before the wish was known to the kernel.
        os._exit(0)


def lock_folder(folder: Path) -> int:
    """Hold a session's folder for the life of this process; return the descriptor that holds it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    fd = os.open(folder / _LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(fd)
        raise FolderInUseError from error
    return fd


def silence_output() -> None:
    """Point standard output and error to nowhere: the library prints, and would die of a pipe that nobody reads."""
    nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.close(nowhere)
