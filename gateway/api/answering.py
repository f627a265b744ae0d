"""Turns what handlers return into HTTP answers."""

from __future__ import annotations

from typing import Any

import msgspec
from aiohttp import web
from pydantic import BaseModel

from gateway.api.route import Answer, Route


def encode(body: Any) -> bytes:
    """JSON of a model, a struct or plain values."""
    if isinstance(body, BaseModel):
        return body.model_dump_json(by_alias=True).encode()
    return msgspec.json.encode(body)


def status_of(route: Route, answer: Any) -> int:
    """The HTTP status of what a handler returned."""
    if isinstance(answer, Answer):
        if answer.status is not None:
            return answer.status
        answer = answer.body
    return 204 if answer is None and route.gives is None and route.status == 200 else route.status


def respond(route: Route, answer: Any) -> web.StreamResponse:
    """The answer as an HTTP response; a handler that already made one has the last word."""
    if isinstance(answer, web.StreamResponse):
        return answer
    body = answer.body if isinstance(answer, Answer) else answer
    headers = dict(answer.headers) if isinstance(answer, Answer) else {}
    status = status_of(route, answer)
    if body is None:
        return web.Response(status=status, headers=headers)
    return web.Response(
        status=status, body=encode(body), headers=headers, content_type="application/json", charset="utf-8"
    )
