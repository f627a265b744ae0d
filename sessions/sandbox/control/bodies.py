"""Reads the bodies of requests to the control API."""

from __future__ import annotations

from typing import TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from sessions.sandbox.control.problems import MalformedError

Body = TypeVar("Body", bound=BaseModel)


async def read_body(request: web.Request, model: type[Body]) -> Body:
    """The request's body as this model; no body stands for an empty object."""
    raw = await request.read()
    if not raw:
        return model.model_validate({})
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        if any(one["type"] == "json_invalid" for one in error.errors()):
            raise MalformedError from error
        raise
