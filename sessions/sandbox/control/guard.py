"""Keeps other web pages out of the control API: it has no key, so it must know who asks."""

from __future__ import annotations

from aiohttp import web

from sessions.sandbox.control.problems import ForeignOriginError, Handler, WrongMediaTypeError

_LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})
_OWN_SITES = frozenset({"same-origin", "none"})
_READING = frozenset({"GET", "HEAD"})
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; object-src 'none'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse what comes from another site, whatever name it has made up for this computer."""
    if _hostname(request.host) not in _LOOPBACK_NAMES or not _is_ours(request):
        raise ForeignOriginError
    if _comes_from_a_page(request) and request.can_read_body and not _may_be_read(request):
        raise WrongMediaTypeError
    return await handler(request)


async def harden(request: web.Request, response: web.StreamResponse) -> None:
    """Put the headers on every answer."""
    response.headers.update(_HEADERS)


def _is_ours(request: web.Request) -> bool:
    origin = request.headers.get("Origin")
    if origin is not None and origin != f"http://{request.host}":
        return False
    site = request.headers.get("Sec-Fetch-Site")
    is_visit = request.method in _READING and request.headers.get("Sec-Fetch-Mode") == "navigate"
    return site is None or site in _OWN_SITES or is_visit


def _comes_from_a_page(request: web.Request) -> bool:
    return "Origin" in request.headers or "Sec-Fetch-Site" in request.headers


def _may_be_read(request: web.Request) -> bool:
    # A form can send neither of these, whatever else it says about where it comes from.
    return request.content_type == "application/json" or request.content_type.startswith("image/")


def _hostname(host: str) -> str:
    name, separator, port = host.rpartition(":")
    return name if separator and port.isdecimal() else host
