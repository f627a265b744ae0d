"""Types of fields that every slice's schemas share: prefixed ids and UTC times."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, GetCoreSchemaHandler, GetJsonSchemaHandler, PlainSerializer
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from gateway.kit.errors import NotFoundError
from gateway.kit.ids import InvalidIdError, parse_id, render_id
from gateway.kit.times import render_time


@dataclass(frozen=True)
class EdgeId:
    """Marks an integer that is ``<prefix>_...`` in JSON, queries and paths."""

    prefix: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.json_or_python_schema(
            json_schema=core_schema.no_info_after_validator_function(self._parse, core_schema.str_schema()),
            python_schema=core_schema.no_info_plain_validator_function(self._accept),
            serialization=core_schema.plain_serializer_function_ser_schema(
                self._render, return_schema=core_schema.str_schema()
            ),
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {
            "type": "string",
            "pattern": f"^{self.prefix}_[0-9a-hjkmnp-tv-z]{{13}}$",
            "examples": [render_id(self.prefix, 42)],
        }

    def _accept(self, given: object) -> int:
        """Within the process the integer itself will do; queries bring text."""
        if isinstance(given, int) and not isinstance(given, bool):
            return given
        return self._parse(given if isinstance(given, str) else "")

    def _parse(self, text: str) -> int:
        return parse_id(self.prefix, text)

    def _render(self, value: int) -> str:
        return render_id(self.prefix, value)


OrgId = Annotated[int, EdgeId("org")]
UserId = Annotated[int, EdgeId("usr")]
KeyId = Annotated[int, EdgeId("key")]
SessionId = Annotated[int, EdgeId("ses")]
ContactId = Annotated[int, EdgeId("con")]
ChatId = Annotated[int, EdgeId("cht")]
MessageId = Annotated[int, EdgeId("msg")]
MediaId = Annotated[int, EdgeId("med")]
EventId = Annotated[int, EdgeId("evt")]
ConsumerId = Annotated[int, EdgeId("evc")]
WebhookId = Annotated[int, EdgeId("whk")]
DeliveryId = Annotated[int, EdgeId("dlv")]


def _to_utc(value: datetime) -> datetime:
    return value.astimezone(UTC)


#: A moment with its offset, kept and given in UTC (``2026-01-31T09:30:00.000Z``).
UtcTime = Annotated[
    AwareDatetime, AfterValidator(_to_utc), PlainSerializer(render_time, return_type=str, when_used="json")
]


def id_in_path(prefix: str, text: str, *, code: str = "not_found") -> int:
    """The id in an address; an id that cannot exist is simply not there."""
    try:
        return parse_id(prefix, text)
    except InvalidIdError as error:
        raise NotFoundError(code=code) from error
