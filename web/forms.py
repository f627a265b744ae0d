"""Reads forms and says, field by field, what is wrong with them."""

from __future__ import annotations

from typing import TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from gateway.api.problems import invalid_from
from gateway.kit.errors import GatewayError, InvalidError

Model = TypeVar("Model", bound=BaseModel)


async def read_form(request: web.Request) -> dict[str, str]:
    """The text fields of a form, without the blanks around them. Passwords keep theirs."""
    posted = await request.post()
    return {
        name: value if name == "password" else value.strip() for name, value in posted.items() if isinstance(value, str)
    }


def parse_form(model: type[Model], values: dict[str, str]) -> Model:
    """The form as a model; empty fields count as absent. Raises InvalidError."""
    given = {name: value for name, value in values.items() if value != "" and name in model.model_fields}
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise invalid_from(error) from error


def problems_of(error: GatewayError) -> dict[str, str]:
    """What to show beside the fields; under the empty name what belongs to the form as a whole."""
    if isinstance(error, InvalidError) and error.fields:
        return {field.path: _as_sentence(field.problem) for field in error.fields}
    return {"": error.detail}


def _as_sentence(problem: str) -> str:
    text = "This is needed." if problem == "Field required" else problem
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"
