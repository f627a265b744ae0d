"""Which messages somebody wants to see."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Filters:
    """Which messages a list holds; None asks for no limit."""

    session_ids: Collection[int] | None = None
    chat_id: int | None = None
    contact_id: int | None = None
    direction: str | None = None
    states: Collection[str] = ()
    type: str | None = None
    client_ref: str | None = None
    since: datetime | None = None
    until: datetime | None = None
