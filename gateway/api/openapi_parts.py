"""The parts of the OpenAPI document that are the same for all operations."""

from __future__ import annotations

from typing import Any, Final

Parts = dict[str, Any]

PROBLEM: Final[Parts] = {
    "type": "object",
    "title": "Problem",
    "description": "What went wrong (RFC 9457). `code` is stable; `fields` says which fields are wrong.",
    "required": ["type", "title", "status", "code", "detail", "fields", "request_id"],
    "properties": {
        "type": {"type": "string", "examples": ["urn:wagate:problem:session_not_found"]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "examples": ["session_not_found"]},
        "detail": {"type": "string"},
        "fields": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["path", "problem"],
                "properties": {"path": {"type": "string"}, "problem": {"type": "string"}},
            },
        },
        "request_id": {"type": "string"},
    },
}

PARAMETERS: Final[Parts] = {
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": (
            "Any text of your own that names this request. Repeating the request with the same key within 24 hours, "
            "or what the operator has set, gives the stored answer instead of doing it again. The same key with "
            "another body is refused with 422."
        ),
        "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    },
    "RequestId": {
        "name": "X-Request-Id",
        "in": "header",
        "required": False,
        "description": "Your own id for this request, kept in our log and given back; made up when absent.",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{8,64}$"},
    },
}

HEADERS: Final[Parts] = {
    "XRequestId": {"description": "The request's id, for questions about it.", "schema": {"type": "string"}},
    "RetryAfter": {"description": "Seconds to wait.", "schema": {"type": "integer"}},
}

SECURITY_SCHEMES: Final[Parts] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key: `Authorization: Bearer wag_...`."},
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The same key, the other way."},
    "signIn": {
        "type": "apiKey",
        "in": "cookie",
        "name": "__Host-wagate",
        "description": "The cookie of a signed-in person. Changes need a same-origin request.",
    },
}


def _problem(description: str, **headers: Any) -> Parts:
    response: Parts = {
        "description": description,
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    return response | ({"headers": headers} if headers else {})


RESPONSES: Final[Parts] = {
    "Unauthorized": _problem("No valid API key or sign-in."),
    "Forbidden": _problem("The key or user may not do this."),
    "NotFound": _problem("There is no such thing, or it is not yours."),
    "Invalid": _problem("Some fields are wrong; `fields` says which."),
    "TooMany": _problem("Too many requests.", **{"Retry-After": {"$ref": "#/components/headers/RetryAfter"}}),
    "Problem": _problem("Anything else that went wrong."),
}
