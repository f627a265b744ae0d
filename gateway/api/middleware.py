"""What surrounds every request: its id, its place in log and metrics, problems instead of bare errors, safe headers."""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, Protocol

import structlog
from aiohttp import web

from gateway.api.dispatch import EXTRA_HEADERS, PRINCIPAL, REQUEST_ID, ROUTE
from gateway.api.problems import (
    Problem,
    ProblemShape,
    internal_problem,
    problem_left,
    problem_of,
    problem_response,
    shape_of,
)
from gateway.kit.clock import Clock
from gateway.kit.ids import render_id

log = structlog.get_logger(__name__)

API_PREFIX: Final = "/api/"
_ACCEPTED_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{8,64}")
_SAFE_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}

Next = Callable[[web.Request], Awaitable[web.StreamResponse]]
#: Shows a problem to a person who reads pages; None leaves it to the JSON document.
ErrorPage = Callable[[web.Request, Problem, str], web.StreamResponse | None]


class RequestMetrics(Protocol):
    """Where ended requests are counted."""

    def request_ended(self, *, operation: str, method: str, status: int, seconds: float) -> None:
        """Count one."""


class Surroundings:
    """The middleware and the signal that the application is built with."""

    def __init__(
        self,
        *,
        clock: Clock,
        metrics: RequestMetrics | None,
        error_page: ErrorPage | None,
        problem_shapes: Sequence[ProblemShape] = (),
    ) -> None:
        self._clock = clock
        self._metrics = metrics
        self._error_page = error_page
        self._problem_shapes = problem_shapes

    def install(self, app: web.Application) -> None:
        """Put them round an application."""
        app.middlewares.append(self._middleware())
        app.on_response_prepare.append(_complete_headers)

    def _middleware(self) -> Any:
        @web.middleware
        async def surround(request: web.Request, handler: Next) -> web.StreamResponse:
            request[REQUEST_ID] = _request_id(request)
            started = self._clock.monotonic()
            with structlog.contextvars.bound_contextvars(request_id=request[REQUEST_ID]):
                response = await self._answer(request, handler)
                self._note(request, response.status, self._clock.monotonic() - started)
            return response

        return surround

    async def _answer(self, request: web.Request, handler: Next) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPException as error:
            problem = problem_of(error)
            if problem is None:  # a redirect is no error
                raise
        except Exception as error:  # noqa: BLE001 - the edge: what is not expected is logged and answered as a fault
            problem = problem_of(error) or _unexpected(request, error)
        return self._render(request, problem)

    def _render(self, request: web.Request, problem: Problem) -> web.StreamResponse:
        request_id = request[REQUEST_ID]
        shape = shape_of(request.path, self._problem_shapes)
        if shape is None and self._error_page is not None and _wants_page(request):
            page = self._error_page(request, problem, request_id)
            if page is not None:
                return page
        return problem_response(problem, request_id=request_id, shape=shape)

    def _note(self, request: web.Request, status: int, seconds: float) -> None:
        operation = _operation(request)
        if self._metrics is not None:
            self._metrics.request_ended(operation=operation, method=request.method, status=status, seconds=seconds)
        # The operation, never the address: addresses carry tokens, names and numbers.
        log.info(
            "request answered",
            operation=operation,
            method=request.method,
            status=status,
            milliseconds=round(seconds * 1000, 1),
            **_caller(request),
        )


def _unexpected(request: web.Request, error: Exception) -> Problem:
    if isinstance(error, ConnectionError) and (request.transport is None or request.transport.is_closing()):
        log.info("caller left", operation=_operation(request))
        return problem_left()
    log.error("request failed", operation=_operation(request), exc_info=error)
    return internal_problem()


def _request_id(request: web.BaseRequest) -> str:
    """The caller's own id where it is a sound one, so that it can follow a request through its own systems."""
    given = request.headers.get("X-Request-Id", "")
    return given if _ACCEPTED_REQUEST_ID.fullmatch(given) else f"req_{secrets.token_hex(10)}"


def _operation(request: web.Request) -> str:
    if ROUTE in request:
        return request[ROUTE].operation
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "unknown"


def _caller(request: web.Request) -> dict[str, str]:
    principal = request.get(PRINCIPAL)
    if principal is None:
        return {}
    caller = {"org_id": render_id("org", principal.org_id)}
    if principal.subject_id is not None:
        prefix = "key" if principal.kind == "api_key" else "usr"
        caller[f"{principal.kind}_id"] = render_id(prefix, principal.subject_id)
    return caller


def _wants_page(request: web.BaseRequest) -> bool:
    return not request.path.startswith(API_PREFIX) and "text/html" in request.headers.get("Accept", "")


async def _complete_headers(request: web.BaseRequest, response: web.StreamResponse) -> None:
    if REQUEST_ID in request:
        response.headers["X-Request-Id"] = request[REQUEST_ID]
    for name, value in request.get(EXTRA_HEADERS, {}).items():
        response.headers[name] = value
    for name, value in _SAFE_HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["Server"] = "wagate"
