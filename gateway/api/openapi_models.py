"""Collects the JSON schemas of models for the OpenAPI document."""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

_REFERENCE: Final = "#/components/schemas/{model}"

Schema = dict[str, Any]


class ModelBook:
    """Every model that the document mentions, once under one name.

    Names are only known when all models are, so that schemas handed out before are filled in by :meth:`schemas`.
    """

    def __init__(self) -> None:
        self._places: list[tuple[Any, str, Schema]] = []
        self._changes: list[Schema] = []

    def taken(self, model: Any) -> Schema:
        """The schema of what a caller sends."""
        return self._place(model, "validation")

    def taken_as_changes(self, model: Any) -> Schema:
        """The schema of changes: what is left out stays as it is, so that no field has a default."""
        place = self.taken(model)
        self._changes.append(place)
        return place

    def given(self, model: Any) -> Schema:
        """The schema of what a caller gets."""
        return self._place(model, "serialization")

    def query_parameters(self, model: type[BaseModel]) -> list[Schema]:
        """A query model's fields as parameters; they are simple types and need no components."""
        schema = model.model_json_schema(mode="validation")
        parameters = []
        for name, field in schema.get("properties", {}).items():
            resolved = _inline(field, schema.get("$defs", {}))
            parameter = {
                "name": name,
                "in": "query",
                "required": name in schema.get("required", []),
                "schema": resolved,
            }
            if "description" in resolved:
                parameter["description"] = resolved.pop("description")
            parameters.append(parameter)
        return parameters

    def schemas(self) -> dict[str, Schema]:
        """All components; fills in what was handed out before."""
        inputs = [(index, mode, TypeAdapter(model)) for index, (model, mode, _) in enumerate(self._places)]
        found, definitions = TypeAdapter.json_schemas(
            inputs,  # type: ignore[arg-type]
            ref_template=_REFERENCE,
            schema_generator=GenerateJsonSchema,
        )
        for index, (_, mode, place) in enumerate(self._places):
            place.update(found[(index, mode)])  # type: ignore[index]
        components: dict[str, Schema] = definitions.get("$defs", {})
        for place in self._changes:
            for field in components[_name(place)].get("properties", {}).values():
                field.pop("default", None)
        return components

    def _place(self, model: Any, mode: str) -> Schema:
        place: Schema = {}
        self._places.append((model, mode, place))
        return place


def _name(reference: Schema) -> str:
    return str(reference["$ref"]).rpartition("/")[2]


def _inline(field: Schema, definitions: dict[str, Schema]) -> Schema:
    """The field's schema with its references replaced by what they refer to."""
    if "$ref" in field:
        target = definitions[_name(field)]
        return _inline({**target, **{key: value for key, value in field.items() if key != "$ref"}}, definitions)
    return {key: _inline_value(value, definitions) for key, value in field.items()}


def _inline_value(value: Any, definitions: dict[str, Schema]) -> Any:
    if isinstance(value, dict):
        return _inline(value, definitions)
    if isinstance(value, list):
        return [_inline_value(item, definitions) for item in value]
    return value
