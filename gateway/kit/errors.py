"""The gateway's error tree. Each error carries a stable code and the HTTP status that fits it.

GatewayError
├── MalformedError     400  the request cannot be read
├── UnauthorizedError  401  nobody is signed in
├── ForbiddenError     403  signed in, but not allowed
├── NotFoundError      404  it is not there, or not yours
├── NotAcceptableError 406  it does not come in a form that the caller accepts
├── ConflictError      409  it is there, but not in a state that allows this
├── GoneError          410  it was there once
├── TooLargeError      413
├── MediaTypeError     415
├── InvalidError       422  readable, but wrong; ``fields`` says where
├── TooManyError       429  ``retry_after_seconds`` says when
├── UnsupportedError   501  the engine cannot do it
└── UnavailableError   503  not now
"""

from __future__ import annotations

from typing import ClassVar

import msgspec


class FieldError(msgspec.Struct, frozen=True):
    """What is wrong with one field: ``path`` is dotted, ``problem`` a short sentence."""

    path: str
    problem: str


class GatewayError(Exception):
    """Base of the tree. ``detail`` is one sentence for the caller, without secrets or personal data."""

    status: ClassVar[int] = 500
    default_code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Something went wrong on our side"

    def __init__(
        self,
        detail: str = "",
        *,
        code: str | None = None,
        fields: tuple[FieldError, ...] = (),
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(detail or self.title)
        self.code = code or self.default_code
        self.detail = detail or self.title
        self.fields = fields
        self.retry_after_seconds = retry_after_seconds


class MalformedError(GatewayError):
    status = 400
    default_code = "malformed_request"
    title = "The request cannot be read"


class UnauthorizedError(GatewayError):
    status = 401
    default_code = "unauthorized"
    title = "An API key or a sign-in is needed"


class ForbiddenError(GatewayError):
    status = 403
    default_code = "forbidden"
    title = "This key or user may not do that"


class NotFoundError(GatewayError):
    status = 404
    default_code = "not_found"
    title = "There is no such thing"


class NotAcceptableError(GatewayError):
    status = 406
    default_code = "not_acceptable"
    title = "It does not come in any of the forms you accept"


class ConflictError(GatewayError):
    status = 409
    default_code = "conflict"
    title = "That is not possible in the present state"


class GoneError(GatewayError):
    status = 410
    default_code = "gone"
    title = "It is no longer there"


class TooLargeError(GatewayError):
    status = 413
    default_code = "too_large"
    title = "That is too large"


class MediaTypeError(GatewayError):
    status = 415
    default_code = "media_type_refused"
    title = "Files of this type are not accepted here"


class InvalidError(GatewayError):
    status = 422
    default_code = "invalid"
    title = "Some fields are wrong"


class TooManyError(GatewayError):
    status = 429
    default_code = "too_many_requests"
    title = "Too many requests"


class UnsupportedError(GatewayError):
    status = 501
    default_code = "engine_unsupported"
    title = "The WhatsApp engine cannot do this"


class UnavailableError(GatewayError):
    status = 503
    default_code = "unavailable"
    title = "Not available just now"
