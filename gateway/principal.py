"""Who calls, for which organization, and what they may do."""

from __future__ import annotations

from enum import StrEnum
from fnmatch import fnmatchcase

import msgspec

from gateway.kit.errors import ForbiddenError, NotFoundError


class PrincipalKind(StrEnum):
    API_KEY = "api_key"
    USER = "user"
    SYSTEM = "system"


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """One caller. Scopes are globs over operation ids such as ``messages.send``.

    ``session_ids`` limits the caller to some linked phones; None means all of the organization's.
    """

    org_id: int
    kind: PrincipalKind
    subject_id: int | None
    scopes: tuple[str, ...]
    session_ids: frozenset[int] | None = None

    def may(self, operation: str) -> bool:
        """Whether a scope covers the operation."""
        return any(fnmatchcase(operation, scope) for scope in self.scopes)

    def demand(self, operation: str) -> None:
        """Raise ForbiddenError unless a scope covers the operation."""
        if not self.may(operation):
            raise ForbiddenError(f"This needs the scope {operation}.", code="scope_missing")

    def demand_session(self, session_id: int) -> None:
        """Raise NotFoundError for a session this caller must not know of."""
        if self.session_ids is not None and session_id not in self.session_ids:
            raise NotFoundError("There is no such session.", code="session_not_found")
