"""Namespace ``w:mex``: questions in GraphQL, each known by a number, asked and answered in JSON."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from sessions.sandbox.state.directory import Device
from sessions.sandbox.traffic.queries.registry import BAD_REQUEST, Query, Routes, UnknownQueryError
from sessions.sandbox.wire.node import Node

#: Takes who asks and the variables; gives the data.
MexHandler: TypeAlias = Callable[[Device, dict[str, Any]], Awaitable[dict[str, Any]]]


class MexError(Exception):
    """A question whose answer is an error inside an orderly reply."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class MexQueries:
    """Finds who answers a numbered question. One that nobody knows is recorded like any other unknown iq."""

    def __init__(self) -> None:
        self._handlers: dict[str, MexHandler] = {}

    def routes(self) -> Routes:
        """What is answered here."""
        return {("get", "w:mex", "query"): self._query}

    def add(self, handlers: dict[str, MexHandler]) -> None:
        """Take in further questions by their numbers."""
        self._handlers.update(handlers)

    async def _query(self, query: Query) -> list[Node]:
        number = query.child.text("query_id")
        handler = self._handlers.get(number)
        if handler is None:
            raise UnknownQueryError(f"get w:mex {number}")
        try:
            variables = json.loads(query.child.data)["variables"]
            answer: dict[str, Any] = {"data": await handler(query.device, variables)}
        except (ValueError, KeyError, TypeError) as error:
            raise BAD_REQUEST from error
        except MexError as error:
            more = {"error_code": error.code, "is_retryable": False, "severity": "CRITICAL"}
            answer = {"data": None, "errors": [{"message": str(error), "path": [], "extensions": more}]}
        return [Node("result", {}, json.dumps(answer).encode())]
