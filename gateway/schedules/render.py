"""How schedules look at the edge."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from gateway.kit.ids import render_id
from gateway.kit.times import render_time
from gateway.schedules.models import Misfire, RuleKind, Schedule, ScheduleRun, ScheduleState
from gateway.schedules.recurrence import Recurrence, zone_named

SCHEDULE_PREFIX = "sch"
RUN_PREFIX = "run"


class ScheduleOut(BaseModel):
    """A message that is sent again and again."""

    id: str = Field(examples=["sch_000000000001a"])
    name: str | None
    session: str = Field(examples=["ses_000000000001a"])
    state: ScheduleState
    reason: str | None = Field(description="Why it ended.", examples=["finished"])
    message: dict[str, Any] = Field(description="The message, as in `POST /api/v1/messages`.")
    rrule: str | None
    cron: str | None
    time_zone: str
    starts_at: str
    ends_at: str | None
    count: int | None
    misfire: Misfire
    misfire_grace_seconds: int
    expire_after_seconds: int | None
    next_at: str | None = Field(description="Null unless it is active.")
    next_local: str | None = Field(description="The same in its time zone.")
    last_at: str | None = Field(description="The time that was dealt with last.")
    occurred: int = Field(description="Times dealt with, which `count` counts.")
    fired: int
    missed: int
    created_at: str
    updated_at: str


class SchedulePage(BaseModel):
    items: list[ScheduleOut]
    next: str | None


class RunOut(BaseModel):
    """What came of one time, or of a stretch of times that was missed."""

    id: str = Field(examples=["run_000000000001a"])
    due_at: str = Field(description="Of a stretch, the last time.")
    at: str = Field(description="When it was dealt with.")
    outcome: Literal["queued", "missed"]
    manual: bool = Field(description="Somebody asked for it with run-now.")
    times: int
    reason: str | None = Field(examples=["misfire"])
    message: str | None = Field(examples=["msg_000000000001a"])


class RunPage(BaseModel):
    items: list[RunOut]
    next: str | None


class TimeOut(BaseModel):
    at: str = Field(examples=["2027-03-28T01:30:00.000Z"])
    local: str = Field(examples=["2027-03-28T03:30:00+02:00"])


class PreviewOut(BaseModel):
    times: list[TimeOut]


def render_schedule(row: Schedule) -> dict[str, Any]:
    """A schedule as JSON."""
    return {
        "id": render_id(SCHEDULE_PREFIX, row.id),
        "name": row.name,
        "session": render_id("ses", row.session_id),
        "state": row.state,
        "reason": row.reason,
        "message": {"to": row.recipient, **row.template},
        "rrule": row.rule if row.rule_kind == RuleKind.RRULE else None,
        "cron": row.rule if row.rule_kind == RuleKind.CRON else None,
        "time_zone": row.time_zone,
        "starts_at": render_time(row.starts_at),
        "ends_at": render_time(row.ends_at),
        "count": row.count,
        "misfire": row.misfire,
        "misfire_grace_seconds": row.misfire_grace_seconds,
        "expire_after_seconds": row.expire_after_seconds,
        "next_at": render_time(row.next_at),
        "next_local": _local(row.next_at, row.time_zone),
        "last_at": render_time(row.last_at),
        "occurred": row.occurred,
        "fired": row.fired,
        "missed": row.missed,
        "created_at": render_time(row.created_at),
        "updated_at": render_time(row.updated_at),
    }


def render_run(row: ScheduleRun) -> dict[str, Any]:
    """A run as JSON."""
    return {
        "id": render_id(RUN_PREFIX, row.id),
        "due_at": render_time(row.due_at),
        "at": render_time(row.at),
        "outcome": row.outcome,
        "manual": row.is_manual,
        "times": row.times,
        "reason": row.reason,
        "message": None if row.message_id is None else render_id("msg", row.message_id),
    }


def render_times(recurrence: Recurrence, times: Iterable[datetime]) -> dict[str, Any]:
    """Moments in UTC and as clocks on the wall show them."""
    return {
        "times": [{"at": render_time(time), "local": time.astimezone(recurrence.zone).isoformat()} for time in times]
    }


def _local(moment: datetime | None, zone: str) -> str | None:
    return None if moment is None else moment.astimezone(zone_named(zone)).isoformat()
