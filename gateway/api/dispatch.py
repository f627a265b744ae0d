"""What happens to every request of a declared route: who calls, may they, what do they say, and the answer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from aiohttp import web

from gateway.api.answering import respond
from gateway.api.credentials import Doorkeeper
from gateway.api.idempotency import Idempotency
from gateway.api.rate_limit import RateLimiter
from gateway.api.reading import BodyReader, parse_body, parse_query
from gateway.api.route import ANY_CALLER, Call, Handler, Route
from gateway.kit.errors import ForbiddenError
from gateway.principal import Principal, PrincipalKind

#: Set on the request for the access log and the error renderer.
ROUTE: Final = web.RequestKey("route", Route)
REQUEST_ID: Final = web.RequestKey("request_id", str)
PRINCIPAL: Final = web.RequestKey("principal", Principal)
EXTRA_HEADERS: Final = web.RequestKey("extra_headers", dict[str, str])


@dataclass(frozen=True, kw_only=True)
class Machinery:
    """The parts that all routes share."""

    doorkeeper: Doorkeeper
    bodies: BodyReader
    limiter: RateLimiter | None
    idempotency: Idempotency | None


class Dispatch:
    """Serves one route as an aiohttp handler."""

    def __init__(self, *, route: Route, handler: Handler, machinery: Machinery) -> None:
        self._route = route
        self._handler = handler
        self._machinery = machinery

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        request[ROUTE] = self._route
        principal = await self._admit(request)
        raw = b"" if self._route.raw_body else await self._machinery.bodies.read(request, self._route)
        call = Call(
            request=request,
            principal=principal,
            body=None if self._route.raw_body else parse_body(self._route, request, raw),
            query=parse_query(self._route, request),
            path=dict(request.match_info),
            request_id=request[REQUEST_ID],
            address=self._machinery.doorkeeper.address_of(request),
            identify_again=lambda: self._machinery.doorkeeper.identify(request),
            count_for=lambda found: self._count(request, found),
        )
        if self._remembers(request):
            return await self._answer_once(call, raw)
        return respond(self._route, await self._handler(call))

    async def _admit(self, request: web.Request) -> Principal | None:
        if self._route.scope is None or self._route.admits_itself:
            return None
        principal = await self._machinery.doorkeeper.identify(request)
        request[PRINCIPAL] = principal
        self._count(request, principal)
        if self._route.people_only and principal.kind is PrincipalKind.API_KEY:
            raise ForbiddenError("An API key may not do this; a signed-in person may.", code="people_only")
        if self._route.scope != ANY_CALLER:
            principal.demand(self._route.scope)
        return principal

    def _count(self, request: web.Request, principal: Principal) -> None:
        if self._machinery.limiter is None:
            return
        allowance = self._machinery.limiter.take((principal.kind, principal.org_id, principal.subject_id))
        request[EXTRA_HEADERS] = allowance.headers()
        allowance.demand()

    def _remembers(self, request: web.Request) -> bool:
        return (
            self._route.idempotent_key
            and self._machinery.idempotency is not None
            and "Idempotency-Key" in request.headers
        )

    async def _answer_once(self, call: Call, raw: bytes) -> web.StreamResponse:
        assert self._machinery.idempotency is not None
        attempt = self._machinery.idempotency.attempt(self._route, call, raw)

        async def answer(remembering_call: Call) -> Any:
            return await self._handler(remembering_call)

        return await attempt.run(lambda remembering: answer(replace(call, remembering=remembering)))
