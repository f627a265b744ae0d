"""Pages of a list: ``?limit=50&after=<cursor>`` gives ``{"items": [...], "next": <cursor> or null}``."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from gateway.kit.errors import FieldError, InvalidError

Item = TypeVar("Item")
Row = TypeVar("Row")

MAXIMUM_LIMIT = 200
DEFAULT_LIMIT = 50


class PageQuery(BaseModel):
    """What every list takes; slices add their filters by inheriting."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(DEFAULT_LIMIT, ge=1, le=MAXIMUM_LIMIT, description="How many items at most.")
    after: str | None = Field(None, max_length=200, description="The `next` of the page before.")

    def position(self) -> int | None:
        """The id after which this page begins."""
        return None if self.after is None else read_cursor(self.after)


class Page(BaseModel, Generic[Item]):
    """One page of a list. ``next`` is null on the last one."""

    items: list[Item]
    next: str | None = None


def page_of(rows: Sequence[Row], *, limit: int, position: Callable[[Row], int]) -> tuple[Sequence[Row], str | None]:
    """Cut rows fetched with ``limit + 1`` to the page, and give the cursor of the next where there is one."""
    if len(rows) <= limit:
        return rows, None
    kept = rows[:limit]
    return kept, write_cursor(position(kept[-1]))


def write_cursor(position: int) -> str:
    """A cursor; opaque, so that callers do not build on what is inside."""
    raw = position.to_bytes(8, "big").lstrip(b"\0")
    return base64.urlsafe_b64encode(b"1" + raw).rstrip(b"=").decode()


def read_cursor(cursor: str) -> int:
    """The position that a cursor stands for; raises InvalidError."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise _refused() from error
    if raw[:1] != b"1" or len(raw) > 9:
        raise _refused()
    position = int.from_bytes(raw[1:], "big")
    if position >= 1 << 63:
        raise _refused()
    return position


def _refused() -> InvalidError:
    return InvalidError(
        "The cursor is not one of ours.",
        code="cursor_invalid",
        fields=(FieldError(path="after", problem="Pass on the `next` of the page before, unchanged"),),
    )
