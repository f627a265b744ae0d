"""A route and its OpenAPI entry, declared together above the handler."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from aiohttp import web
from pydantic import BaseModel

from gateway.db.tx import Tx
from gateway.kit.errors import UnauthorizedError
from gateway.principal import Principal

_MARK = "__wagate_route__"
#: The scope of routes that every caller may use, whatever its scopes.
ANY_CALLER = ""
Handler = Callable[..., Awaitable[Any]]
H = TypeVar("H", bound=Handler)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a handler returns when the body alone does not say it all."""

    body: Any = None
    status: int | None = None  #: None means the declared one
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Route:
    """Everything that is known of one operation. ``operation`` is its id, its scope and its name in the docs.

    ``scope`` None means that no principal is needed (public); ANY_CALLER that any principal will do.
    """

    method: str
    path: str
    operation: str
    summary: str
    tag: str
    scope: str | None
    takes: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    gives: Any = None  #: a pydantic model, or None for 204
    status: int = 200
    also: tuple[int, ...] = ()  #: other statuses of success, with the same body
    description: str = ""
    errors: tuple[str, ...] = ()  #: stable problem codes a caller should expect, for the docs
    content_types: tuple[str, ...] = ("application/json",)  #: of the answer
    raw_body: bool = False  #: the handler reads the body itself (uploads)
    body_limit_bytes: int | None = None  #: where a JSON body may be larger than the server's usual limit
    idempotent_key: bool = False  #: takes an Idempotency-Key
    admits_itself: bool = False  #: the handler finds out who calls, and demands the scope (WebSockets)
    people_only: bool = False  #: refused to API keys, whatever their scopes
    hidden: bool = False


async def _nobody() -> Principal:
    raise UnauthorizedError


def _count_nothing(_: Principal) -> None:
    """Where there is no limit."""


class Remembering(Protocol):
    """Keeps the answer of one call under its Idempotency-Key."""

    def remember(self, tx: Tx, answer: object) -> None:
        """Store the answer in this transaction."""

    def body_is(self, digest: bytes) -> None:
        """Say what a body was that nobody but the handler has read."""

    def remember_part(self, tx: Tx, name: str, outcome: object) -> None:
        """Store what one step of a long call came to, in the transaction of that step."""

    async def recall_part(self, name: str) -> Any:
        """What a step came to in an earlier try that was cut off; None where it was not done."""


@dataclass(kw_only=True)
class Call:
    """What a handler receives: the parsed request. ``body`` and ``query`` are instances of the declared models."""

    request: web.Request
    principal: Principal | None
    body: Any = None
    query: Any = None
    path: dict[str, str] = field(default_factory=dict)
    request_id: str = ""
    address: str = ""  #: the caller's network address
    remembering: Remembering | None = None  #: set when the caller sent an Idempotency-Key
    identify_again: Callable[[], Awaitable[Principal]] = field(default=_nobody, repr=False)  #: for long answers
    #: for handlers that find out themselves who calls; raises TooManyError
    count_for: Callable[[Principal], None] = field(default=_count_nothing, repr=False)

    @property
    def caller(self) -> Principal:
        """The principal of a route that demands one."""
        assert self.principal is not None, "this route is declared public"
        return self.principal

    def body_is(self, digest: bytes) -> None:
        """Routes with ``raw_body`` that take an Idempotency-Key say what they have read, before it has any effect.

        A repeat ends here: the caller gets the stored answer, or learns that its key was used for another body.
        """
        if self.remembering is not None:
            self.remembering.body_is(digest)

    def remember(self, tx: Tx, answer: object) -> None:
        """Store the answer of this call in the transaction of its effect, so that no crash can part the two.

        A no-op for callers without an Idempotency-Key. Routes that do not call this have their answer stored right
        after the handler returns, which leaves a small gap.
        """
        if self.remembering is not None:
            self.remembering.remember(tx, answer)

    def remember_part(self, tx: Tx, name: str, outcome: object) -> None:
        """The same for one of several steps that each have a transaction of their own."""
        if self.remembering is not None:
            self.remembering.remember_part(tx, name, outcome)

    async def recall_part(self, name: str) -> Any:
        """What that step came to, where a try with the same Idempotency-Key did it and was cut off later."""
        return None if self.remembering is None else await self.remembering.recall_part(name)


def route(
    method: str,
    path: str,
    *,
    operation: str,
    summary: str,
    tag: str,
    public: bool = False,
    scope: str | None = None,
    **more: Any,
) -> Callable[[H], H]:
    """Declare the handler below as one operation of the API. The scope is the operation id unless named."""

    def mark(handler: H) -> H:
        declared = Route(
            method=method,
            path=path,
            operation=operation,
            summary=summary,
            tag=tag,
            scope=None if public else operation if scope is None else scope,
            **more,
        )
        setattr(handler, _MARK, declared)
        return handler

    return mark


class RouteTable(Protocol):
    """An object whose methods are routes, such as a slice's ``SessionRoutes``."""


def routes_of(table: object) -> Sequence[tuple[Route, Handler]]:
    """The declared routes of one table with their bound handlers, in the order of declaration."""
    found = []
    for name in dir(type(table)):
        declared = getattr(getattr(type(table), name), _MARK, None)
        if declared is not None:
            found.append((declared, getattr(table, name)))
    return sorted(found, key=lambda pair: (pair[0].path, pair[0].method))
