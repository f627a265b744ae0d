"""Who looks at a page, and what a page may be asked to change."""

from __future__ import annotations

import re
from urllib.parse import quote

from aiohttp import web

from gateway.api.credentials import Doorkeeper
from gateway.kit.errors import ForbiddenError, UnauthorizedError
from gateway.principal import Principal, PrincipalKind

#: One slash, then neither another nor a backslash, and nothing that browsers drop before they look.
_OWN_PATH = re.compile(r"/(?![/\\])[!-\[\]-~]*")


class Visitors:
    """Knows the signed-in person behind a request."""

    def __init__(self, *, doorkeeper: Doorkeeper) -> None:
        self._doorkeeper = doorkeeper

    async def find(self, request: web.Request) -> Principal | None:
        """Who is signed in, if anybody; for pages that are for everybody."""
        try:
            return await self._doorkeeper.identify(request)
        except UnauthorizedError:
            return None

    async def demand(self, request: web.Request, operation: str) -> Principal:
        """Who is signed in and may do this; others are led to the sign-in page."""
        try:
            principal = await self._doorkeeper.identify(request)
        except UnauthorizedError:
            raise web.HTTPSeeOther(sign_in_url(request)) from None
        principal.demand(operation)
        return principal

    async def demand_person(self, request: web.Request, operation: str) -> Principal:
        """As :meth:`demand`, for what API keys may never do."""
        principal = await self.demand(request, operation)
        if principal.kind is PrincipalKind.API_KEY:
            raise ForbiddenError("An API key may not do this; a signed-in person may.", code="people_only")
        return principal

    def demand_own_page(self, request: web.Request) -> None:
        """Raise ForbiddenError unless the form was sent from a page of ours."""
        self._doorkeeper.demand_own_page(request)


def sign_in_url(request: web.Request) -> str:
    """The sign-in page that leads back to where the visitor wanted to go."""
    target = request.path_qs if request.method == "GET" else "/sessions"
    return f"/sign-in?next={quote(target, safe='/')}"


def safe_target(target: str) -> str:
    """A path on this site, never another site."""
    if _OWN_PATH.fullmatch(target):
        return target
    return "/sessions"
