"""Builds the web application: all route tables behind the same machinery."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from aiohttp import web

from gateway import __version__
from gateway.api.credentials import Doorkeeper
from gateway.api.dispatch import Dispatch, Machinery
from gateway.api.docs import Docs
from gateway.api.idempotency import Idempotency
from gateway.api.middleware import ErrorPage, RequestMetrics, Surroundings
from gateway.api.openapi import DocumentedEvent
from gateway.api.problems import ProblemShape
from gateway.api.rate_limit import RateLimiter
from gateway.api.reading import GRACE_SECONDS, BodyReader
from gateway.api.route import routes_of
from gateway.api.sockets import Sockets
from gateway.api.streams import Streams
from gateway.kit.clock import Clock

BODY_LIMIT_BYTES = 1024 * 1024


def build_app(
    *,
    tables: Sequence[object],
    doorkeeper: Doorkeeper,
    clock: Clock,
    streams: Streams,
    sockets: Sockets | None = None,
    idempotency: Idempotency | None = None,
    limiter: RateLimiter | None = None,
    metrics: RequestMetrics | None = None,
    error_page: ErrorPage | None = None,
    problem_shapes: Sequence[ProblemShape] = (),
    events: Sequence[DocumentedEvent] = (),
    version: str = __version__,
    body_limit_bytes: int = BODY_LIMIT_BYTES,
    body_grace_seconds: float = GRACE_SECONDS,
    install_pages: Callable[[web.Application], None] | None = None,
) -> web.Application:
    """The application with every declared route. ``install_pages`` adds what is not part of the API."""
    app = web.Application(client_max_size=body_limit_bytes)
    Surroundings(clock=clock, metrics=metrics, error_page=error_page, problem_shapes=problem_shapes).install(app)
    machinery = Machinery(
        doorkeeper=doorkeeper,
        bodies=BodyReader(limit_bytes=body_limit_bytes, grace_seconds=body_grace_seconds),
        limiter=limiter,
        idempotency=idempotency,
    )
    _mount(app, tables, machinery)

    async def end_streams(_: web.Application) -> None:
        streams.close()
        if sockets is not None:
            sockets.close()

    app.on_shutdown.append(end_streams)
    Docs(tables=tables, events=events, version=version, problem_shapes=problem_shapes).install(app)
    if install_pages is not None:
        install_pages(app)
    return app


def _mount(app: web.Application, tables: Sequence[object], machinery: Machinery) -> None:
    for table in tables:
        for declared, handler in routes_of(table):
            dispatch = Dispatch(route=declared, handler=handler, machinery=machinery)
            app.router.add_route(declared.method, declared.path, dispatch.__call__)
            if declared.method == "GET":  # monitors ask with HEAD whether something is there
                app.router.add_route("HEAD", declared.path, dispatch.__call__)
