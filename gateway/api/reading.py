"""Reads requests: bodies within limits, parsed into the models that a route declares."""

from __future__ import annotations

import asyncio
from typing import Final

import msgspec
from aiohttp import web
from multidict import MultiMapping
from pydantic import BaseModel, ValidationError

from gateway.api.problems import invalid_from
from gateway.api.route import Route
from gateway.kit.errors import GatewayError, MalformedError, MediaTypeError, TooLargeError

_JSON_TYPES: Final = frozenset({"application/json"})
#: A body must come at least this fast on average, after a grace time.
GRACE_SECONDS: Final = 20.0
_SLOWEST_BYTES_PER_SECOND: Final = 64 * 1024
_NUL_REFUSED: Final = "Texts may not hold NUL characters."


class TooSlowError(GatewayError):
    status = 408
    default_code = "request_too_slow"
    title = "The request did not arrive in time"


class BodyReader:
    """Reads bodies up to a limit, and no slower than a limit."""

    def __init__(self, *, limit_bytes: int, grace_seconds: float = GRACE_SECONDS) -> None:
        self._limit_bytes = limit_bytes
        self._grace_seconds = grace_seconds

    async def read(self, request: web.BaseRequest, route: Route) -> bytes:
        """The raw body of a route that takes JSON."""
        limit = route.body_limit_bytes or self._limit_bytes
        if (request.content_length or 0) > limit:
            raise _too_large(limit)
        seconds = self._grace_seconds + limit / _SLOWEST_BYTES_PER_SECOND
        try:
            async with asyncio.timeout(seconds):
                return await _read_all(request, limit)
        except TimeoutError as error:
            raise TooSlowError from error
        except web.RequestPayloadError as error:
            raise MalformedError("The body broke off.") from error


def parse_body(route: Route, request: web.BaseRequest, raw: bytes) -> BaseModel | None:
    """The declared model from a raw body."""
    if route.takes is None:
        return None
    if not raw:
        raw = b"{}" if _takes_nothing_too(route.takes) else raw
    elif request.content_type not in _JSON_TYPES and not request.content_type.endswith("+json"):
        raise MediaTypeError("The body must be application/json.", code="content_type_refused")
    if b"\\u0000" in raw:
        _refuse_nul(raw)
    try:
        return route.takes.model_validate_json(raw)
    except ValidationError as error:
        if error.errors(include_input=False)[0]["type"] == "json_invalid":
            raise MalformedError("The body is not valid JSON.", code="malformed_json") from error
        raise invalid_from(error) from error


def parse_query(route: Route, request: web.BaseRequest) -> BaseModel | None:
    """The declared model from the query string."""
    if "%00" in request.raw_path:
        raise MalformedError(_NUL_REFUSED)
    if route.query is None:
        return None
    try:
        return route.query.model_validate(_gathered(request.query))
    except ValidationError as error:
        raise invalid_from(error) from error


def _refuse_nul(raw: bytes) -> None:
    """PostgreSQL stores no NUL, and no text of a person holds one; the same two letters behind a backslash may stand."""
    try:
        values = [msgspec.json.decode(raw)]
    except msgspec.DecodeError as error:
        raise MalformedError("The body is not valid JSON.", code="malformed_json") from error
    while values:
        value = values.pop()
        if isinstance(value, dict):
            values += [*value.keys(), *value.values()]
        elif isinstance(value, list):
            values += value
        elif isinstance(value, str) and "\x00" in value:
            raise MalformedError(_NUL_REFUSED)


def _gathered(query: MultiMapping[str]) -> dict[str, str | list[str]]:
    """A key that stands once is a value, one that stands repeatedly a list."""
    gathered: dict[str, str | list[str]] = {}
    for key in query:
        values = query.getall(key)
        gathered[key] = values[0] if len(values) == 1 else values
    return gathered


def _takes_nothing_too(model: type[BaseModel]) -> bool:
    return not any(field.is_required() for field in model.model_fields.values())


async def _read_all(request: web.BaseRequest, limit: int) -> bytes:
    pieces = bytearray()
    async for piece in request.content.iter_any():
        pieces += piece
        if len(pieces) > limit:
            raise _too_large(limit)
    return bytes(pieces)


def _too_large(limit: int) -> TooLargeError:
    return TooLargeError(f"The body may have {limit} bytes at most.")
