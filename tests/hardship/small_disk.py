"""A disk of its own that can be filled: a file system in memory, mounted for a test."""

from __future__ import annotations

import errno
import os
import subprocess
from pathlib import Path

_BALLAST = "ballast"
_CHUNK = bytes(64 * 1024)


class SmallDisk:
    """Mounts at ``folder``; :meth:`fill` leaves no room, :meth:`empty` gives it back."""

    def __init__(self, folder: Path, *, mebibytes: int) -> None:
        self.folder = folder
        self._size = mebibytes

    def mount(self) -> str | None:
        """Why it cannot be mounted on this machine; None when it is."""
        self.folder.mkdir(parents=True, exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", f"size={self._size}m,mode=700", "tmpfs", str(self.folder)]
        if os.geteuid() != 0:
            return "needs root"
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.stderr.strip() or None

    def unmount(self) -> None:
        subprocess.run(["umount", "--lazy", str(self.folder)], check=True)

    def fill(self) -> None:
        """Leave not a byte, whatever others write or remove meanwhile."""
        with (self.folder / _BALLAST).open("ab", buffering=0) as ballast:
            while True:
                try:
                    ballast.write(_CHUNK)
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    return

    def empty(self) -> None:
        """Give the room back."""
        (self.folder / _BALLAST).unlink(missing_ok=True)
