"""What a request brings to say who calls, and the checks that keep other web sites from calling in a user's name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Final, Protocol
from urllib.parse import urlsplit

from aiohttp import web

from gateway.kit.errors import ForbiddenError, UnauthorizedError
from gateway.principal import Principal

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_BEARER: Final = re.compile(r"^bearer +(\S+) *$", re.IGNORECASE)


class Authenticator(Protocol):
    """Knows whom a key or a sign-in token stands for. Both methods raise UnauthorizedError for nobody."""

    async def by_key(self, plaintext: str) -> Principal:
        """The API key's principal."""

    async def by_sign_in(self, token: str) -> Principal:
        """The signed-in user's principal."""


class SignInCookie:
    """The cookie that carries a sign-in token.

    With ``insecure`` it works over plain http on a local network: without the ``__Host-`` prefix, which browsers take
    only from a secure origin.
    """

    def __init__(self, *, insecure: bool = False) -> None:
        self.name = "wagate" if insecure else "__Host-wagate"
        self._secure = not insecure

    def read(self, request: web.BaseRequest) -> str | None:
        """The token that came with a request."""
        return request.cookies.get(self.name) or None

    def write(self, response: web.StreamResponse, token: str, *, max_age_seconds: int) -> None:
        """Hand the token to the browser."""
        response.set_cookie(
            self.name,
            token,
            max_age=max_age_seconds,
            path="/",
            secure=self._secure,
            httponly=True,
            samesite="Lax",
        )

    def clear(self, response: web.StreamResponse) -> None:
        """Make the browser forget it."""
        response.del_cookie(self.name, path="/", secure=self._secure, httponly=True, samesite="Lax")


class Doorkeeper:
    """Finds out who calls: by API key, else by cookie; a cookie must come from our own pages to change anything."""

    def __init__(
        self,
        *,
        authenticator: Authenticator,
        cookie: SignInCookie,
        public_url: str | None = None,
        trusted_proxies: Sequence[IPv4Network | IPv6Network] = (),
    ) -> None:
        self.cookie = cookie
        self._authenticator = authenticator
        self._public_host = urlsplit(public_url).netloc.lower() if public_url else None
        self._trusted_proxies = tuple(trusted_proxies)

    async def identify(self, request: web.BaseRequest) -> Principal:
        """The caller's principal; raises UnauthorizedError when there is none."""
        key = _presented_key(request)
        if key is not None:
            return await self._authenticator.by_key(key)
        token = self.cookie.read(request)
        if token is None:
            raise UnauthorizedError
        self.demand_own_page(request)
        return await self._authenticator.by_sign_in(token)

    async def identify_key(self, key: str) -> Principal:
        """The principal of an API key that came some other way; raises UnauthorizedError when there is none."""
        return await self._authenticator.by_key(key)

    async def identify_socket(self, request: web.BaseRequest) -> Principal | None:
        """Who opens a WebSocket, as far as the request says; None when it says nothing.

        A browser sends cookies along for any page's socket, so that here a cookie must come from our own pages
        although the request changes nothing.
        """
        key = _presented_key(request)
        if key is not None:
            return await self._authenticator.by_key(key)
        token = self.cookie.read(request)
        if token is None:
            return None
        _demand(
            self._is_from_own_page(request), "With a sign-in cookie, sockets are opened only by this gateway's pages."
        )
        return await self._authenticator.by_sign_in(token)

    def demand_own_page(self, request: web.BaseRequest) -> None:
        """Raise ForbiddenError for a changing request that a browser sent from another site."""
        if request.method in SAFE_METHODS:
            return
        _demand(
            self._is_from_own_page(request),
            "With a sign-in cookie, changes are accepted only from this gateway's own pages.",
        )

    def address_of(self, request: web.BaseRequest) -> str:
        """The caller's network address; behind proxies that are trusted, the one that they name."""
        address = request.remote or ""
        for hop in reversed(_hops(request)):
            if not self._is_trusted(address):
                break
            address = hop
        return address

    def _is_trusted(self, address: str) -> bool:
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._trusted_proxies)

    def _is_from_own_page(self, request: web.BaseRequest) -> bool:
        site = request.headers.get("Sec-Fetch-Site")
        if site is not None:
            return site in ("same-origin", "none")
        origin = request.headers.get("Origin")
        return origin is not None and self._is_ours(origin, request)

    def _is_ours(self, origin: str, request: web.BaseRequest) -> bool:
        host = urlsplit(origin).netloc.lower()
        return bool(host) and host in (request.host.lower(), self._public_host)


def _demand(own_page: bool, otherwise: str) -> None:
    if not own_page:
        raise ForbiddenError(otherwise, code="cross_site_refused")


def _hops(request: web.BaseRequest) -> list[str]:
    headers = request.headers.getall("X-Forwarded-For", [])
    return [hop.strip() for header in headers for hop in header.split(",")]


def _presented_key(request: web.BaseRequest) -> str | None:
    header = request.headers.get("Authorization")
    if header is None:
        return request.headers.get("X-API-Key") or None
    found = _BEARER.match(header)
    if found is None:
        raise UnauthorizedError("The Authorization header must read: Bearer <API key>.")
    return found[1]
