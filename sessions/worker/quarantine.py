"""Raw bytes of what could not be read or handed on, kept in the session's folder for whoever looks into it."""

from __future__ import annotations

import sys
from pathlib import Path

from sessions.worker.journal import Entry

FOLDER = "quarantine"
_MOST_FILES = 200
_MOST_BYTES = 256 * 1024 * 1024


class Quarantine:
    """So many files and so many bytes of one session; what comes when it is full is named and not kept."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / FOLDER

    def keep(self, entry: Entry, why: str) -> None:
        """Say it loudly and put the bytes aside. Never fails: no room must not stop what can be handed on."""
        try:
            kept = self._keep(entry)
        except OSError:
            kept = False
        outcome = "kept in quarantine" if kept else "not kept"
        # Not through the log: it is the process's own voice, which the daemon reads.
        sys.stderr.write(f"event {entry.seq} of kind {entry.code} {outcome}: {why}\n")

    def _keep(self, entry: Entry) -> bool:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        path = self._folder / f"{entry.seq}-{entry.code}.bin"
        if path.exists():
            return True
        sizes = [other.stat().st_size for other in self._folder.iterdir()]
        if len(sizes) >= _MOST_FILES or sum(sizes) + len(entry.data) > _MOST_BYTES:
            return False
        try:
            path.write_bytes(entry.data)
        except OSError:
            path.unlink(missing_ok=True)
            raise
        return True
