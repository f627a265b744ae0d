"""What a backup holds, and what it says of itself."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal

import msgspec

SQLITE_STORE: Final = "wagate.db"
POSTGRES_STORE: Final = "store.pgdump"
VAULT_KEY: Final = "vault.key"
MARKER: Final = "wagate.json"
KEPT_SESSIONS: Final = "sessions.json"
SESSIONS_FOLDER: Final = "sessions/"
MEDIA_FOLDER: Final = "media/"


class BackupAbout(msgspec.Struct, frozen=True, kw_only=True, tag="backup", tag_field="archive"):
    """Stands in front of a backup."""

    made_at: datetime
    version: str  #: of the wagate that made it
    schema: str  #: the step at which its database stands
    store: Literal["sqlite", "postgresql"]
    source_folder: str  #: where the data folder lay
    with_media: bool
    at_rest: bool  #: no gateway was running while it was made


class KeptSession(msgspec.Struct, frozen=True, kw_only=True):
    """How a session's keys were when they were copied."""

    at_rest: bool  #: nobody was using them: they are those of their last use until then
    fingerprint: str  #: of :func:`sessions.keycopy.fingerprint`


KeptSessions = dict[str, KeptSession]


class Tally(msgspec.Struct, kw_only=True):
    """What was packed, or found when it was checked."""

    sessions: int = 0
    sessions_in_use: int = 0
    files: int = 0
    bytes: int = 0

    def sentence(self) -> str:
        """For people."""
        phones = "1 phone" if self.sessions == 1 else f"{self.sessions} phones"
        return f"the store, the keys of {phones} and {self.files} other files; {self.bytes / 1_048_576:.1f} MiB"
