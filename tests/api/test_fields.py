"""Ids, times and cursors at the edge."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from gateway.api.fields import MessageId, UtcTime
from gateway.api.paging import PageQuery, page_of, read_cursor, write_cursor
from gateway.kit.errors import InvalidError
from gateway.kit.ids import render_id

IDS = st.integers(0, (1 << 63) - 1)


class Letter(BaseModel):
    id: MessageId
    at: UtcTime | None = None


@settings(deadline=None)
@given(IDS)
def test_an_id_survives_the_way_out_and_in(value: int) -> None:
    text = Letter(id=value).model_dump_json()

    assert render_id("msg", value) in text
    assert Letter.model_validate_json(text).id == value
    assert Letter.model_validate({"id": render_id("msg", value)}).id == value


@pytest.mark.parametrize("given_id", ["5", 5, "ses_0000000000001", "msg_1", None, True, ["msg_0000000000001"]])
def test_what_is_no_id_of_the_kind_is_refused_in_json(given_id: Any) -> None:
    import msgspec

    with pytest.raises(ValidationError):
        Letter.model_validate_json(msgspec.json.encode({"id": given_id}))


@pytest.mark.parametrize("given_id", ["5", "ses_0000000000001", "msg_1", None, True, 1.5])
def test_what_is_no_id_is_one_problem_under_the_name_of_its_field(given_id: Any) -> None:
    with pytest.raises(ValidationError) as refused:
        Letter.model_validate({"id": given_id})

    assert [error["loc"] for error in refused.value.errors()] == [("id",)]


def test_times_are_kept_in_utc_and_must_say_their_offset() -> None:
    letter = Letter.model_validate_json('{"id": "msg_0000000000001", "at": "2026-03-01T14:30:00.5+02:00"}')

    assert letter.at == datetime(2026, 3, 1, 12, 30, 0, 500_000, tzinfo=UTC)
    assert '"2026-03-01T12:30:00.500Z"' in letter.model_dump_json()
    with pytest.raises(ValidationError):
        Letter.model_validate_json('{"id": "msg_0000000000001", "at": "2026-03-01T14:30:00"}')


@settings(deadline=None)
@given(IDS)
def test_a_cursor_gives_back_its_position(position: int) -> None:
    assert read_cursor(write_cursor(position)) == position


@settings(deadline=None)
@given(st.text(max_size=30))
def test_other_texts_are_refused_as_cursors_or_mean_a_position(text: str) -> None:
    try:
        position = read_cursor(text)
    except InvalidError as error:
        assert error.code == "cursor_invalid"  # noqa: PT017
    else:
        assert 0 <= position < 1 << 63


def test_a_list_ends_with_a_null_cursor() -> None:
    rows = [9, 8, 7]

    full, more = page_of(rows, limit=2, position=lambda row: row)
    rest, end = page_of([7], limit=2, position=lambda row: row)

    assert (list(full), read_cursor(more or "")) == ([9, 8], 8)
    assert (list(rest), end) == ([7], None)


@pytest.mark.parametrize("query", [{"limit": "0"}, {"limit": "201"}, {"offset": "5"}])
def test_a_page_has_bounds(query: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        PageQuery.model_validate(query)
