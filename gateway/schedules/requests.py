"""What callers may ask of schedules."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from gateway.api.fields import UtcTime
from gateway.api.paging import PageQuery
from gateway.messages.parts import FileIn, Words
from gateway.messages.requests import TARGETED, MessageIn
from gateway.schedules.models import Misfire, ScheduleState

YEAR_SECONDS = 366 * 86_400
DEFAULT_GRACE_SECONDS = 60
MOST_PREVIEWED = 50

Rrule = Annotated[str, Field(max_length=500, examples=["FREQ=WEEKLY;BYDAY=MO;BYHOUR=9;BYMINUTE=0"])]
Cron = Annotated[str, Field(max_length=200, examples=["0 9 * * 1-5"])]
Zone = Annotated[str, Field(min_length=1, max_length=64, description="An IANA name.", examples=["Europe/Berlin"])]
Name = Annotated[Words, Field(min_length=1, max_length=100)]
Grace = Annotated[
    int,
    Field(ge=1, le=7 * 86_400, description="A time that could be dealt with only later than this was missed."),
]
Count = Annotated[int, Field(ge=1, le=1_000_000, description="The schedule ends after so many times.")]
Lifetime = Annotated[
    int,
    Field(ge=1, le=30 * 86_400, description="A message that has not gone out so long after its time is given up."),
]


class TemplateIn(MessageIn):
    """The message, as in ``POST /api/v1/messages``, without what only one message can have."""

    @model_validator(mode="after")
    def _suits_many_messages(self) -> Self:
        for name in ("send_at", "expires_at", "reply_to", "album", *TARGETED):
            if getattr(self, name) is not None:
                raise ValueError(f"a message that is sent again and again takes no {name}")
        part = self.part
        if isinstance(part, FileIn) and part.url is not None and not part.url.startswith(("http://", "https://")):
            raise ValueError("the url of a file begins with https:// or http://")
        return self


class RuleIn(BaseModel):
    """When. Exactly one of ``rrule`` and ``cron``."""

    model_config = ConfigDict(extra="forbid")

    rrule: Rrule | None = Field(None, description="A recurrence rule of RFC 5545, without DTSTART.")
    cron: Cron | None = Field(None, description="Minute, hour, day of the month, month, day of the week.")
    time_zone: Zone
    starts_at: UtcTime | None = Field(
        None, description="Not before; the DTSTART of an RRULE, which takes from it what it leaves open. Null: now."
    )
    ends_at: UtcTime | None = Field(None, description="Not after.")
    count: Count | None = None

    @model_validator(mode="after")
    def _one_rule(self) -> Self:
        if (self.rrule is None) == (self.cron is None):
            raise ValueError("name exactly one of rrule and cron")
        return self


class ScheduleIn(RuleIn):
    """A message that is sent again and again."""

    name: Name | None = None
    message: TemplateIn
    misfire: Misfire = Field(
        Misfire.LATEST,
        description="What becomes of times that passed while the gateway was down: nothing (`skip`), one message for "
        "all of them (`latest`), or one each (`all`, at most 100).",
    )
    misfire_grace_seconds: Grace = DEFAULT_GRACE_SECONDS
    expire_after_seconds: Lifetime | None = None


class ScheduleChange(BaseModel):
    """What is named is changed. Naming ``rrule`` takes the place of a ``cron``, and the other way round."""

    model_config = ConfigDict(extra="forbid")

    name: Name | None = None
    message: TemplateIn | None = None
    rrule: Rrule | None = None
    cron: Cron | None = None
    time_zone: Zone | None = None
    starts_at: UtcTime | None = None
    ends_at: UtcTime | None = None
    count: Count | None = None
    misfire: Misfire | None = None
    misfire_grace_seconds: Grace | None = None
    expire_after_seconds: Lifetime | None = None

    @model_validator(mode="after")
    def _one_rule(self) -> Self:
        if self.rrule is not None and self.cron is not None:
            raise ValueError("name rrule or cron, not both")
        for name in self.model_fields_set - {"name", "rrule", "cron", "ends_at", "count", "expire_after_seconds"}:
            if getattr(self, name) is None:
                raise ValueError(f"{name} cannot be null")
        return self


class PreviewIn(RuleIn):
    """A rule to look at."""

    limit: int = Field(10, ge=1, le=MOST_PREVIEWED, description="How many times at most.")


class ScheduleQuery(PageQuery):
    """Filters; each one given narrows the list."""

    session: str | None = Field(None, max_length=100, description="A session's id or name.")
    state: ScheduleState | None = None


class RunQuery(PageQuery):
    """A page of one schedule's runs."""
