"""How fast, how often and when a session may write: the settings, with what they allow."""

from __future__ import annotations

import re
from datetime import time
from itertools import pairwise
from typing import Annotated, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Reach = Literal["marketing", "unlabelled", "all"]
_HOURS = re.compile(r"^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)$")
_NONE = "0: no limit."


def _zone(name: str) -> str:
    if name and name not in available_timezones():
        raise ValueError("this is not a time zone such as Europe/Berlin")
    return name


def _hours(text: str) -> str:
    if text:
        begin, end = read_hours(text)
        if begin == end:
            raise ValueError("quiet hours must leave some time to send")
    return text


def read_hours(text: str) -> tuple[time, time]:
    """``21:00-08:00`` as two times of day; raises ValueError."""
    found = _HOURS.match(text)
    if found is None:
        raise ValueError("this is not a span of hours such as 21:00-08:00")
    hour, minute, end_hour, end_minute = map(int, found.groups())
    return time(hour, minute), time(end_hour, end_minute)


def _rising(plan: tuple[int, ...]) -> tuple[int, ...]:
    if any(later < earlier for earlier, later in pairwise(plan)):
        raise ValueError("each day must allow at least as many as the day before")
    return plan


TimeZone = Annotated[
    str,
    Field(
        max_length=64,
        description="Time zone of the session: where its day begins, and quiet hours of contacts whose zone is unknown. "
        "Empty: that of its own number.",
    ),
    AfterValidator(_zone),
]
PerMinute = Annotated[
    float, Field(ge=0, le=6000, description=f"Messages per minute, on average, beside replies. {_NONE}")
]
Burst = Annotated[int, Field(ge=1, le=1000, description="How many of them may go at once after a pause.")]
MarketingPerMinute = Annotated[
    float, Field(ge=0, le=6000, description=f"Marketing messages per minute, one at a time. {_NONE}")
]
Jitter = Annotated[
    float, Field(ge=0, le=5, description="Both rates vary: a gap is up to this much longer. 0.5: half as long again.")
]
ChatGap = Annotated[
    float, Field(ge=0, le=3600, description="Least number of seconds between two messages to the same chat.")
]
PerDay = Annotated[int, Field(ge=0, le=1_000_000, description=f"Messages per day beside replies. {_NONE}")]
FirstContactsPerDay = Annotated[
    int,
    Field(ge=0, le=1_000_000, description=f"Messages per day to people the session has never written with. {_NONE}"),
]
WarmUp = Annotated[
    Literal["off", "marketing", "unlabelled"],
    Field(
        description="A newly linked phone begins slowly, see warm_up_plan: with marketing, or also with messages "
        "that have no purpose (unlabelled). Replies and what is awaited are never held by it."
    ),
]
WarmUpPlan = Annotated[
    tuple[Annotated[int, Field(ge=1, le=1_000_000)], ...],
    Field(
        max_length=90,
        description="How many messages the warm-up lets go on the first day after linking, the second, and so on; "
        "after the last one it is over.",
    ),
    AfterValidator(_rising),
]
MarketingPerContact = Annotated[
    int, Field(ge=0, le=100, description=f"Marketing messages to one person in marketing_days. {_NONE}")
]
MarketingDays = Annotated[int, Field(ge=1, le=30, description="Days that marketing_per_contact is counted over.")]
QuietHours = Annotated[
    str,
    Field(max_length=11, description="Hours in which people are left alone, in their own time zone. Empty: none."),
    AfterValidator(_hours),
]
QuietFor = Annotated[
    Reach,
    Field(
        description="What waits in quiet hours: marketing; also what has no purpose (unlabelled); all but replies (all)."
    ),
]
OptOutFor = Annotated[
    Reach,
    Field(description="What who has opted out does not get: marketing; also what has no purpose; all but replies."),
]
Typing = Annotated[bool, Field(description='Show "typing ..." before each message, as long as a person would type.')]
TypingSpeed = Annotated[float, Field(gt=0, le=1000, description="Characters per second.")]
TypingMost = Annotated[float, Field(gt=0, le=30, description="Longest time to show it, in seconds.")]


class PaceSettings(BaseModel):
    """How a session writes; null or absent takes the gateway's setting from ``[pace]``."""

    model_config = ConfigDict(extra="forbid")

    timezone: TimeZone | None = None
    per_minute: PerMinute | None = None
    burst: Burst | None = None
    marketing_per_minute: MarketingPerMinute | None = None
    jitter: Jitter | None = None
    chat_gap_seconds: ChatGap | None = None
    per_day: PerDay | None = None
    first_contacts_per_day: FirstContactsPerDay | None = None
    warm_up: WarmUp | None = None
    warm_up_plan: WarmUpPlan | None = None
    marketing_per_contact: MarketingPerContact | None = None
    marketing_days: MarketingDays | None = None
    quiet_hours: QuietHours | None = None
    quiet_for: QuietFor | None = None
    opt_out_for: OptOutFor | None = None
    typing: Typing | None = None
    typing_characters_per_second: TypingSpeed | None = None
    typing_most_seconds: TypingMost | None = None
