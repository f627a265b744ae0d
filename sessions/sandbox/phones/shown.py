"""The form in which a phone shows a message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import msgspec

from sessions.sandbox.media.crypto import MediaType

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"


class FileReference(msgspec.Struct, frozen=True):
    """Where a message's file lies on the media host, and what opens it."""

    direct_path: str
    media_key: bytes
    media_type: MediaType
    sha256: bytes
    encrypted_sha256: bytes
    mimetype: str
    filename: str | None = None


@dataclass(frozen=True)
class Reading:
    """One message as the phone understands it; `fields` holds the object named like the type, and what goes with it."""

    type: str
    fields: dict[str, Json]
    file: FileReference | None = None
