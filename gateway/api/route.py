"""A route and its OpenAPI entry, declared together above the handler."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from aiohttp import web
from pydantic import BaseModel

from gateway.principal import Principal

_MARK = "__wagate_route__"
Handler = Callable[..., Awaitable[Any]]
H = TypeVar("H", bound=Handler)


class EmptyModel(BaseModel):
    """No body, no query or no answer."""


@dataclass(frozen=True, kw_only=True)
class Route:
    """Everything that is known of one operation. ``operation`` is its id, its scope and its name in the docs.

    ``scope`` None means that no principal is needed (public).
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
    description: str = ""
    errors: tuple[str, ...] = ()  #: stable problem codes a caller should expect, for the docs
    content_types: tuple[str, ...] = ("application/json",)  #: of the answer
    raw_body: bool = False  #: the handler reads the body itself (uploads)
    idempotent_key: bool = False  #: takes an Idempotency-Key
    hidden: bool = False


@dataclass(kw_only=True)
class Call:
    """What a handler receives: the parsed request. ``body`` and ``query`` are instances of the declared models."""

    request: web.Request
    principal: Principal | None
    body: Any = None
    query: Any = None
    path: dict[str, str] = field(default_factory=dict)
    request_id: str = ""

    @property
    def caller(self) -> Principal:
        """The principal of a route that demands one."""
        assert self.principal is not None, "this route is declared public"
        return self.principal


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
            scope=None if public else (scope or operation),
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
