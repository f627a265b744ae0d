"""What is known of a channel and of its posts."""

from __future__ import annotations

from typing import Literal

import msgspec

from sessions.address import Address
from sessions.content import Content

Role = Literal["owner", "admin", "subscriber", "guest"]
#: The engine packs each server id into one byte when it says that a post was seen.
LAST_VIEWABLE_ID = 255


class Channel(msgspec.Struct, frozen=True, kw_only=True):
    """One channel. ``role`` and ``muted`` are None where WhatsApp does not say what it is to the linked account."""

    address: Address
    name: str
    description: str = ""
    invite: str = ""
    subscribers: int = 0
    created_at: float | None = None
    verified: bool = False
    state: Literal["active", "suspended", "geosuspended", "unknown"] = "unknown"
    role: Role | None = None
    muted: bool | None = None


class Post(msgspec.Struct, frozen=True, kw_only=True):
    """One post; ``content`` is None where only its counts are told."""

    server_id: int
    views: int = 0
    reactions: dict[str, int] = {}
    content: Content | None = None
