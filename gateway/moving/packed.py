"""A session as it travels: what is known of it, its keys, and what it had heard and not yet told."""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal, cast

import msgspec

from gateway.archives.archive import ArchiveReader, ArchiveWriter
from gateway.archives.errors import ArchiveDamagedError
from sessions.keycopy import JOURNAL_NAME, copy_keys, damage_in, fingerprint
from sessions.keystore import KEY_STORE_NAME

_FILES: Final = frozenset({KEY_STORE_NAME, JOURNAL_NAME})
_COPY_BYTES: Final = 1024 * 1024


class PackedSession(msgspec.Struct, frozen=True, kw_only=True, tag="session", tag_field="archive"):
    """Stands in front of a session's archive."""

    archive_id: str
    generation: int
    made_at: datetime
    version: str  #: of the wagate that made it
    kind: Literal["production", "sandbox"]
    name: str
    account: str  #: the phone's WhatsApp address
    fingerprint: str  #: of the keys
    facts: dict[str, Any]  #: columns of the session's row that go with the phone


def pack(target: BinaryIO, secret: bytes, *, about: PackedSession, keys: Path, journal: Path) -> None:
    """Write the archive. Takes a moment: call it in a thread."""
    archive = ArchiveWriter(target, secret, about=about)
    for path in (keys, journal):
        if path.exists():
            with path.open("rb") as opened:
                archive.add(path.name, opened, path.stat().st_size)
    archive.finish()


def unpack(source: BinaryIO, secret: bytes, *, into: Path) -> PackedSession:
    """Read the archive into a folder; raises ArchiveError. What is there then is whole."""
    archive = ArchiveReader(source, secret)
    about = archive.about(PackedSession)
    for name, content in archive.entries():
        if name not in _FILES:
            raise ArchiveDamagedError
        with (into / name).open("wb") as target:
            shutil.copyfileobj(cast(BinaryIO, content), target, _COPY_BYTES)
    keys = into / KEY_STORE_NAME
    if not keys.exists() or damage_in(keys) is not None or fingerprint(keys) != about.fingerprint:
        raise ArchiveDamagedError
    return about


def copy_to_pack(folder: Path, scratch: Path) -> Path | None:
    """The keys of a session folder as one file; None when there are none."""
    copy = scratch / KEY_STORE_NAME
    return copy if copy_keys(folder, copy) else None
