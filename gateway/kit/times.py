"""Times as the edge writes them: RFC 3339, UTC, milliseconds."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import overload

_LATEST_SECONDS = 3_471_292_800.0  #: the year 2080; ids hold times until 2094


@overload
def render_time(moment: datetime) -> str: ...
@overload
def render_time(moment: None) -> None: ...
def render_time(moment: datetime | None) -> str | None:
    """``2026-03-01T12:00:00.000Z``; None stays None."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def from_epoch(seconds: float) -> datetime:
    """The moment that WhatsApp and the engine write as seconds since 1970.

    Whoever writes a message may write any number: one that is no time of ours becomes the nearest that is.
    """
    return datetime.fromtimestamp(min(max(0.0, seconds), _LATEST_SECONDS), UTC)
