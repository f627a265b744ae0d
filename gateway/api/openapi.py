"""The OpenAPI 3.1 document, made from the declared routes and event types."""

from __future__ import annotations

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final, Protocol

from pydantic import BaseModel

from gateway.api.openapi_models import ModelBook
from gateway.api.openapi_parts import HEADERS, PARAMETERS, PROBLEM, RESPONSES, SECURITY_SCHEMES
from gateway.api.problems import SHAPED_CONTENT_TYPE, ProblemShape, shape_of
from gateway.api.route import Route, routes_of

_PATH_PARAMETER: Final = re.compile(r"\{(\w+)(?::[^{}]+)?\}")
_BINARY: Final = {"type": "string", "format": "binary"}

_DESCRIPTION: Final = """\
Send and receive WhatsApp messages with many linked phones.

Every request but a few needs an API key (`Authorization: Bearer wag_...` or `X-API-Key`). Errors are problem documents
with a stable `code` (RFC 9457). Lists give `items` and `next`; pass `next` on as `after`. Times are RFC 3339 in UTC.
"""

Document = dict[str, Any]


class DocumentedEvent(Protocol):
    """What the document must know of an event type."""

    @property
    def name(self) -> str: ...
    @property
    def summary(self) -> str: ...
    @property
    def payload(self) -> type[BaseModel]: ...
    @property
    def example(self) -> Document: ...


def build_document(
    *,
    tables: Sequence[object],
    events: Sequence[DocumentedEvent],
    version: str,
    problem_shapes: Sequence[ProblemShape] = (),
) -> Document:
    """The document for all routes that are not hidden."""
    book = ModelBook()
    declared = [found for table in tables for found, _ in routes_of(table) if not found.hidden]
    paths: dict[str, dict[str, Any]] = {}
    for found in declared:
        path = _PATH_PARAMETER.sub(r"{\1}", found.path)
        paths.setdefault(path, {})[found.method.lower()] = _operation(found, book, shape_of(path, problem_shapes))
    return {
        "openapi": "3.1.0",
        "info": {"title": "wagate", "version": version, "description": _DESCRIPTION},
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in sorted({found.tag for found in declared})],
        "paths": dict(sorted(paths.items())),
        "webhooks": {event.name: {"post": _webhook(event, book)} for event in events},
        "components": {
            "schemas": {**book.schemas(), "Problem": PROBLEM},
            "parameters": PARAMETERS,
            "headers": HEADERS,
            "responses": RESPONSES,
            "securitySchemes": SECURITY_SCHEMES,
        },
    }


def _operation(route: Route, book: ModelBook, shape: ProblemShape | None) -> Document:
    operation: Document = {
        "operationId": route.operation,
        "summary": route.summary,
        "tags": [route.tag],
        "security": _security(route),
        "parameters": _parameters(route, book),
        "responses": _successes(route, book) | _refusals(route, book, shape),
    }
    if route.description or route.errors:
        operation["description"] = _description(route)
    if route.takes is not None:
        schema = book.taken_as_changes(route.takes) if route.method == "PATCH" else book.taken(route.takes)
        operation["requestBody"] = {
            "required": any(field.is_required() for field in route.takes.model_fields.values()),
            "content": {"application/json": {"schema": schema}},
        }
    elif route.raw_body:
        operation["requestBody"] = {"required": True, "content": {"*/*": {"schema": _BINARY}}}
    return operation


def _description(route: Route) -> str:
    codes = ", ".join(f"`{code}`" for code in route.errors)
    return "\n\n".join(part for part in (route.description, f"Problem codes: {codes}." if codes else "") if part)


def _security(route: Route) -> list[dict[str, list[str]]]:
    if route.scope is None:
        return []
    if route.people_only:
        return [{"signIn": []}]
    if route.admits_itself:  # credentials may come later, in a message
        return [{"bearer": []}, {"apiKey": []}, {"signIn": []}, {}]
    return [{"bearer": []}, {"apiKey": []}, {"signIn": []}]


def _parameters(route: Route, book: ModelBook) -> list[Document]:
    parameters: list[Document] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PATH_PARAMETER.findall(route.path)
    ]
    if route.query is not None:
        parameters += book.query_parameters(route.query)
    if route.idempotent_key:
        parameters.append({"$ref": "#/components/parameters/IdempotencyKey"})
    parameters.append({"$ref": "#/components/parameters/RequestId"})
    return parameters


def _successes(route: Route, book: ModelBook) -> Document:
    status = route.status if _has_content(route) or route.status != 200 else HTTPStatus.NO_CONTENT
    success: Document = {
        "description": HTTPStatus(status).phrase,
        "headers": {"X-Request-Id": {"$ref": "#/components/headers/XRequestId"}},
    }
    if _has_content(route):
        success["content"] = {kind: {"schema": _content_schema(route, kind, book)} for kind in route.content_types}
    responses: Document = {str(int(status)): success}
    responses |= {str(other): success | {"description": HTTPStatus(other).phrase} for other in route.also}
    return responses


def _refusals(route: Route, book: ModelBook, shape: ProblemShape | None) -> Document:
    names = {"default": "Problem"}
    if route.scope is not None:
        names |= {"401": "Unauthorized", "403": "Forbidden", "429": "TooMany"}
    if _PATH_PARAMETER.search(route.path):
        names["404"] = "NotFound"
    if route.takes is not None or route.query is not None:
        names["422"] = "Invalid"
    if shape is None:
        return {status: {"$ref": f"#/components/responses/{name}"} for status, name in names.items()}
    content = {SHAPED_CONTENT_TYPE: {"schema": book.given(shape.model)}}
    return {status: {**RESPONSES[name], "content": content} for status, name in names.items()}


def _has_content(route: Route) -> bool:
    return route.gives is not None or route.content_types != ("application/json",)


def _content_schema(route: Route, kind: str, book: ModelBook) -> Document:
    if kind == "application/json" and route.gives is not None:
        return book.given(route.gives)
    if kind.startswith("text/") or kind == "image/svg+xml":
        return {"type": "string"}
    return _BINARY


def _webhook(event: DocumentedEvent, book: ModelBook) -> Document:
    identifier = {"type": "string"}
    body = {
        "type": "object",
        "required": ["id", "type", "at", "org", "session", "metadata", "subject", "data"],
        "properties": {
            "id": identifier,
            "type": {"const": event.name},
            "at": {"type": "string", "format": "date-time"},
            "org": identifier,
            "session": {"type": ["string", "null"]},
            "metadata": {"type": "object", "additionalProperties": identifier},
            "subject": {"type": "object", "properties": {"type": {"type": "string"}, "id": identifier}},
            "data": book.given(event.payload),
        },
    }
    return {
        "operationId": f"event.{event.name}",
        "summary": event.summary,
        "tags": ["events"],
        "security": [],
        "requestBody": {"required": True, "content": {"application/json": {"schema": body, "example": event.example}}},
        "responses": {"2XX": {"description": "Any such answer counts as received; anything else is tried again."}},
    }
