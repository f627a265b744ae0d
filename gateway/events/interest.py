"""Which events somebody wants and may have: the one matcher behind webhooks, streams, sockets and consumers."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Protocol, Self

import msgspec

from gateway.events.catalogue import matching


class Happening(Protocol):
    """As much of an event as it takes to say who wants it."""

    @property
    def org_id(self) -> int: ...
    @property
    def session_id(self) -> int | None: ...
    @property
    def type(self) -> str: ...


class Interest(msgspec.Struct, frozen=True, kw_only=True):
    """Events of one organization, by type and by session."""

    org_id: int
    types: frozenset[str] | None = None  #: None means all
    session_ids: frozenset[int] | None = None  #: None means all, and those of no session

    @classmethod
    def of(cls, *, org_id: int, globs: Iterable[str] | None, session_ids: Iterable[int] | None) -> Self:
        """The interest behind globs over types (``message.*``) and a list of sessions."""
        return cls(
            org_id=org_id,
            types=None if globs is None else _types(tuple(globs)),
            session_ids=None if session_ids is None else frozenset(session_ids),
        )

    def covers(self, event: Happening) -> bool:
        """Whether the event is for this listener."""
        return (
            event.org_id == self.org_id
            and (self.types is None or event.type in self.types)
            and (self.session_ids is None or event.session_id in self.session_ids)
        )


@lru_cache(maxsize=1024)
def _types(globs: tuple[str, ...]) -> frozenset[str]:
    """Asked for every event and every endpoint, hence remembered."""
    return matching(globs)
