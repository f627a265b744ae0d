"""When a failed delivery is tried again."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

#: Seconds before each try: at once, then further and further apart, over three days in all.
SCHEDULE_SECONDS: Final = (0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
_JITTER: Final = 0.2
_LONGEST_WAIT_SECONDS: Final = 86_400.0


def delay_before(tries: int, *, retry_after_seconds: float | None, chance: random.Random) -> float | None:
    """Seconds to wait after ``tries`` failed ones; None when it is enough.

    What the endpoint asks for with Retry-After is the least; jitter keeps a herd from coming back at once.
    """
    if tries >= len(SCHEDULE_SECONDS):
        return None
    wait = SCHEDULE_SECONDS[tries] * (1.0 + chance.uniform(0.0, _JITTER))
    if retry_after_seconds is None:
        return wait
    return max(wait, min(retry_after_seconds, _LONGEST_WAIT_SECONDS))


def is_busy(status: int) -> bool:
    """Whether an answer says that it is too much at the moment, as the specification of Standard Webhooks has it."""
    return status in (429, 502, 503, 504)


def parse_retry_after(value: str | None, *, now: datetime) -> float | None:
    """The seconds a Retry-After header asks for, given as a number or as a date; None when it is neither."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max((moment - now).total_seconds(), 0.0)
