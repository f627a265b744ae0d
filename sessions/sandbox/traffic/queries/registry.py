"""Finds who answers an iq, and turns what they say into the reply."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from sessions.sandbox.state.directory import Device
from sessions.sandbox.state.endpoint import Endpoint
from sessions.sandbox.wire.node import SERVER, MalformedStanzaError, Node

#: Type, namespace and tag of the first child; an empty tag stands for none, ``*`` for any other.
Route: TypeAlias = tuple[str, str, str]

_logger = logging.getLogger(__name__)


class QueryError(Exception):
    """An iq that is answered with an error."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code} {text}")
        self.code = code
        self.text = text


class UnknownQueryError(QueryError):
    """A question in a known form that nobody here answers; it is recorded as what it says."""

    def __init__(self, outline: str) -> None:
        super().__init__(501, "feature-not-implemented")
        self.outline = outline


BAD_REQUEST = QueryError(400, "bad-request")
NOT_AUTHORIZED = QueryError(401, "not-authorized")
FORBIDDEN = QueryError(403, "forbidden")
NOT_FOUND = QueryError(404, "item-not-found")
NOT_ACCEPTABLE = QueryError(406, "not-acceptable")
CONFLICT = QueryError(409, "conflict")
GONE = QueryError(410, "gone")
NOT_IMPLEMENTED = QueryError(501, "feature-not-implemented")


@dataclass
class Query:
    """One iq from a linked device."""

    endpoint: Endpoint
    stanza: Node
    followups: list[Callable[[], Awaitable[None]]] = field(default_factory=list)

    @property
    def device(self) -> Device:
        """Who asks."""
        return self.endpoint.device

    @property
    def child(self) -> Node:
        """The element that says what is asked."""
        if not self.stanza.children:
            raise MalformedStanzaError("an iq without content")
        return self.stanza.children[0]

    def afterwards(self, followup: Callable[[], Awaitable[None]]) -> None:
        """Do this once the reply is on its way."""
        self.followups.append(followup)


Handler: TypeAlias = Callable[[Query], Awaitable[list[Node]]]
Routes: TypeAlias = dict[Route, Handler]


class QueryRegistry:
    """All routes. An iq that nobody knows is answered 501 and recorded."""

    def __init__(self, *, commit: Callable[[], None]) -> None:
        self._commit = commit
        self._routes: Routes = {}
        self.unknown: list[str] = []

    def add(self, routes: Routes) -> None:
        """Take in further routes; two answers to one question are a mistake."""
        twice = self._routes.keys() & routes.keys()
        if twice:
            raise ValueError(f"answered twice: {sorted(twice)}")
        self._routes.update(routes)

    async def answer(self, endpoint: Endpoint, stanza: Node) -> None:
        """Answer one iq."""
        query = Query(endpoint, stanza)
        reply = Node("iq", {"from": stanza.attrs.get("to") or SERVER, "type": "result", "id": stanza.text("id")})
        try:
            reply.content = await self._find(stanza)(query) or None
        except (QueryError, MalformedStanzaError) as error:
            if isinstance(error, UnknownQueryError):
                self.unknown.append(error.outline)
            refusal = error if isinstance(error, QueryError) else BAD_REQUEST
            _logger.info("refused %s: %s", stanza.outline(), error)
            reply.attrs["type"] = "error"
            reply.content = [Node("error", {"code": refusal.code, "text": refusal.text})]
        self._commit()
        await endpoint.push(reply)
        for followup in query.followups:
            await followup()

    def _find(self, stanza: Node) -> Handler:
        kind, space = stanza.text("type"), stanza.text("xmlns")
        tag = stanza.children[0].tag if stanza.children else ""
        handler = self._routes.get((kind, space, tag)) or self._routes.get((kind, space, "*"))
        if handler is None:
            self.unknown.append(f"{kind} {space} {tag}".strip())
            _logger.warning("nobody answers %s", stanza.outline())
            raise NOT_IMPLEMENTED
        return handler
