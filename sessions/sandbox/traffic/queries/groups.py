"""Namespace ``w:g2``, as far as an account without groups needs it."""

from __future__ import annotations

from sessions.sandbox.traffic.queries.registry import NOT_FOUND, Query, Routes
from sessions.sandbox.wire.node import Node


class GroupQueries:
    """Nobody is in a group here yet."""

    def routes(self) -> Routes:
        """What is answered here."""
        return {("get", "w:g2", "participating"): self._participating, ("get", "w:g2", "query"): self._query}

    async def _participating(self, query: Query) -> list[Node]:
        return [Node("groups", {}, [])]

    async def _query(self, query: Query) -> list[Node]:
        raise NOT_FOUND
