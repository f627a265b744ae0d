"""Turns every error of the control API into one ``application/problem+json`` document."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, ClassVar, TypeAlias

from aiohttp import web
from pydantic import ValidationError

from sessions.sandbox.media.crypto import MediaDamagedError
from sessions.sandbox.media.host import MediaMissingError
from sessions.sandbox.state.directory import AccountExistsError
from sessions.sandbox.state.errors import SandboxError

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]

_STATUS = {
    "account_unknown": HTTPStatus.NOT_FOUND,
    "device_unknown": HTTPStatus.NOT_FOUND,
    "message_unknown": HTTPStatus.NOT_FOUND,
    "group_unknown": HTTPStatus.NOT_FOUND,
    "channel_unknown": HTTPStatus.NOT_FOUND,
    "recipient_unknown": HTTPStatus.UNPROCESSABLE_ENTITY,
    "qr_unknown": HTTPStatus.UNPROCESSABLE_ENTITY,
    "code_unknown": HTTPStatus.UNPROCESSABLE_ENTITY,
    "pairing_failed": HTTPStatus.CONFLICT,
    "passkey_demanded": HTTPStatus.CONFLICT,
    "message_refused": HTTPStatus.CONFLICT,
    "query_refused": HTTPStatus.CONFLICT,
    "no_answer": HTTPStatus.GATEWAY_TIMEOUT,
}

_log = logging.getLogger(__name__)


class RequestError(SandboxError):
    """A request that cannot be taken; `status` says how it is answered."""

    code = "invalid"
    status: ClassVar[HTTPStatus] = HTTPStatus.UNPROCESSABLE_ENTITY


class MalformedError(RequestError):
    """The body is not a JSON object."""

    code = "malformed"
    status = HTTPStatus.BAD_REQUEST


class WrongMediaTypeError(RequestError):
    """The body must be application/json."""

    code = "wrong_media_type"
    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


class ForeignOriginError(RequestError):
    """Only this computer's own pages and programs may use the control API."""

    code = "foreign_origin"
    status = HTTPStatus.FORBIDDEN


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer errors with problem documents."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < HTTPStatus.BAD_REQUEST:
            raise
        code = {404: "route_not_found", 405: "method_not_allowed", 413: "too_large"}.get(error.status, "http_error")
        return _problem(error.status, code, error.reason)
    except ValidationError as error:
        fields = [{"path": _path(one["loc"]), "problem": one["msg"]} for one in error.errors(include_input=False)]
        return _problem(422, "invalid", "Some fields of the request are not valid.", fields=fields)
    except (SandboxError, AccountExistsError, MediaMissingError, MediaDamagedError) as error:
        status, code = _status_and_code(error)
        return _problem(status, code, str(error))
    except Exception:  # noqa: BLE001  (the last resort: told in the log, and to the caller without details)
        _log.exception("the control API failed")
        return _problem(500, "internal_error", "Something went wrong here; the log says more.")


def _status_and_code(error: Exception) -> tuple[int, str]:
    if isinstance(error, RequestError):
        return error.status, error.code
    if isinstance(error, SandboxError):
        return _STATUS.get(error.code, HTTPStatus.CONFLICT), error.code
    if isinstance(error, AccountExistsError):
        return HTTPStatus.CONFLICT, "phone_exists"
    if isinstance(error, MediaMissingError):
        return HTTPStatus.GONE, "media_missing"
    return HTTPStatus.BAD_GATEWAY, "media_damaged"


def _problem(status: int, code: str, detail: str, **more: Any) -> web.Response:
    document = {
        "type": f"urn:wagate:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": int(status),
        "code": code,
        "detail": detail,
        **more,
    }
    return web.Response(status=status, body=json.dumps(document).encode(), content_type="application/problem+json")


def _path(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location)
