"""Which keys of a backup may be used again.

Keys move on with every message. Whoever goes on with older ones encrypts with keys that were used before, and cannot
read what others encrypted since. So keys are good again only if nobody has used them after they were copied.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from gateway.backup.contents import BackupAbout, KeptSession
from sessions.errors import StoreError
from sessions.keycopy import copy_keys, fingerprint
from sessions.keystore import KEY_STORE_NAME


def stale_sessions(about: BackupAbout, kept: Mapping[str, KeptSession]) -> set[str]:
    """The sessions whose keys were in use when they were copied, or were used since as far as this host can know."""
    original = Path(about.source_folder) / "sessions"
    return {
        session_id
        for session_id, session in kept.items()
        if not session.at_rest or _has_moved_on(original / session_id, session.fingerprint)
    }


def _has_moved_on(folder: Path, was: str) -> bool:
    """Whether the folder that the copy was made of is still here, and holds other keys by now."""
    with tempfile.TemporaryDirectory(prefix=".backup-") as scratch:
        copy = Path(scratch) / KEY_STORE_NAME
        try:
            return copy_keys(folder, copy) and fingerprint(copy) != was
        except (StoreError, PermissionError):
            return False  # broken or out of reach, it says nothing
