"""Turns every error into one ``application/problem+json`` document."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import msgspec
from aiohttp import web
from pydantic import BaseModel, ValidationError

from gateway.kit.errors import FieldError, GatewayError, InvalidError, MalformedError
from sessions import errors as session_errors

CONTENT_TYPE: Final = "application/problem+json"
SHAPED_CONTENT_TYPE: Final = "application/json"

#: How the engine's errors look from outside: the first class that fits wins.
_SESSION_PROBLEMS: Final[tuple[tuple[type[session_errors.SessionError], int, str], ...]] = (
    (session_errors.NotRunningError, 409, "The session is not running"),
    (session_errors.NotConnectedError, 409, "The session is not connected"),
    (session_errors.NotPairedError, 409, "No phone is linked"),
    (session_errors.PairingError, 409, "The phone could not be linked"),
    (session_errors.RecipientUnknownError, 422, "Nobody is on WhatsApp under this address"),
    (session_errors.InvalidRequestError, 422, "The engine cannot be asked this"),
    (session_errors.BusyError, 503, "WhatsApp asks to slow down"),
    (session_errors.RefusedError, 502, "WhatsApp refused this"),
    (session_errors.OutcomeUnknownError, 504, "WhatsApp did not answer"),
    (session_errors.WorkerLostError, 503, "The session's process ended"),
    (session_errors.MediaUnavailableError, 410, "WhatsApp no longer has the file"),
    (session_errors.MediaUnreachableError, 503, "The file to send cannot be read"),
    (session_errors.StoreError, 503, "The session's key store cannot be used"),
    (session_errors.EngineUnsupportedError, 501, "The WhatsApp engine cannot do this"),
    (session_errors.SessionError, 502, "The WhatsApp engine reported an error"),
)
_HTTP_CODES: Final = {404: "route_not_found", 405: "method_not_allowed", 413: "too_large"}
_RETRY_AFTER_SECONDS: Final = 5.0


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """What went wrong with one request, as RFC 9457 wants it told, and how to say so in headers."""

    status: int
    code: str
    title: str
    detail: str
    fields: tuple[FieldError, ...] = ()
    retry_after_seconds: float | None = None
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)

    def document(self, request_id: str) -> dict[str, Any]:
        """The JSON document."""
        return {
            "type": f"urn:wagate:problem:{self.code}",
            "title": self.title,
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
            "fields": [{"path": field.path, "problem": field.problem} for field in self.fields],
            "request_id": request_id,
        }


@dataclass(frozen=True, kw_only=True)
class ProblemShape:
    """How problems are told below one address, to callers that were written for another API than ours."""

    prefix: str
    document: Callable[[Problem, str], dict[str, Any]]  #: of a problem and the request's id
    model: type[BaseModel]  #: what the document looks like


def shape_of(path: str, shapes: Sequence[ProblemShape]) -> ProblemShape | None:
    """The shape of problems at an address; None where they are problem documents, as usual."""
    return next((shape for shape in shapes if path.startswith(shape.prefix)), None)


def problem_of(error: Exception) -> Problem | None:
    """The problem that an expected error stands for; None for one that is a fault of ours."""
    if isinstance(error, GatewayError):
        return _of_gateway(error)
    if isinstance(error, session_errors.SessionError):
        return _of_session(error)
    if isinstance(error, web.HTTPException):
        return _of_http(error)
    return None


def internal_problem() -> Problem:
    """Something of ours broke. It says nothing but that; the log has the rest under the request id."""
    return Problem(
        status=500,
        code=GatewayError.default_code,
        title=GatewayError.title,
        detail="This is a fault of the gateway. The log says more under the request id.",
    )


def problem_left() -> Problem:
    """The caller hung up before the request was read; for the log, since nobody hears it."""
    return Problem(
        status=400, code=MalformedError.default_code, title=MalformedError.title, detail="The body broke off."
    )


def problem_response(problem: Problem, *, request_id: str, shape: ProblemShape | None = None) -> web.Response:
    """The problem as an HTTP answer."""
    headers = dict(problem.headers)
    if problem.retry_after_seconds is not None:
        headers["Retry-After"] = str(max(1, round(problem.retry_after_seconds + 0.499)))
    return web.Response(
        status=problem.status,
        body=msgspec.json.encode(shape.document(problem, request_id) if shape else problem.document(request_id)),
        content_type=SHAPED_CONTENT_TYPE if shape else CONTENT_TYPE,
        headers=headers,
    )


def invalid_from(error: ValidationError, *, prefix: str = "") -> InvalidError:
    """What pydantic refused, told field by field and without the values, which may be personal."""
    return InvalidError(fields=tuple(_field_errors(error.errors(include_input=False, include_url=False), prefix)))


def _field_errors(found: Sequence[Any], prefix: str) -> list[FieldError]:
    errors = []
    for entry in found:
        path = ".".join(str(step) for step in entry["loc"])
        sentence = str(entry["msg"]).removeprefix("Value error, ")
        errors.append(FieldError(path=f"{prefix}{path}" or "body", problem=sentence))
    return errors


def _of_gateway(error: GatewayError) -> Problem:
    return Problem(
        status=error.status,
        code=error.code,
        title=error.title,
        detail=error.detail,
        fields=error.fields,
        retry_after_seconds=error.retry_after_seconds,
        headers={"WWW-Authenticate": 'Bearer realm="wagate"'} if error.status == HTTPStatus.UNAUTHORIZED else {},
    )


def _of_session(error: session_errors.SessionError) -> Problem:
    status, title = next((status, title) for kind, status, title in _SESSION_PROBLEMS if isinstance(error, kind))
    return Problem(
        status=status,
        code=error.code,
        title=title,
        detail=str(error),
        retry_after_seconds=_RETRY_AFTER_SECONDS if _passes_by_itself(error, status) else None,
    )


def _passes_by_itself(error: session_errors.SessionError, status: int) -> bool:
    return status == HTTPStatus.SERVICE_UNAVAILABLE or isinstance(error, session_errors.NotConnectedError)


def _of_http(error: web.HTTPException) -> Problem | None:
    if error.status < 400 or error.status >= 500:
        return None
    phrase = HTTPStatus(error.status).phrase
    detail = {
        404: "There is nothing at this address.",
        405: "This address does not take this method.",
    }.get(error.status, phrase)
    allowed = error.headers.get("Allow")
    return Problem(
        status=error.status,
        code=_HTTP_CODES.get(error.status, "malformed_request"),
        title=phrase,
        detail=detail,
        headers={"Allow": allowed} if allowed else {},
    )
