"""From what a caller asks to a recurrence that can be kept, or a refusal that names the field."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from gateway.schedules.calendar_rule import HORIZON, read_rrule
from gateway.schedules.cron_rule import read_cron
from gateway.schedules.errors import RuleError, ScheduleRefusedError, refused
from gateway.schedules.models import RuleKind, Schedule
from gateway.schedules.recurrence import Recurrence, zone_named
from gateway.schedules.requests import RuleIn, ScheduleChange

_TIMING = ("rrule", "cron", "time_zone", "starts_at", "ends_at", "count")


@dataclass(frozen=True, kw_only=True)
class Timing:
    """When, and how often at most. ``next_at`` is the first time from now on."""

    recurrence: Recurrence
    count: int | None
    next_at: datetime


def read_timing(rule: RuleIn, *, now: datetime) -> Timing:
    """Judge a rule; raises ScheduleRefusedError. It calculates, so call it on a thread."""
    zone = _zone(rule.time_zone)
    starts_at = (rule.starts_at or now).replace(microsecond=0)
    if abs(starts_at - now) > HORIZON:
        raise ScheduleRefusedError.of("Name a time within ten years.", field="starts_at")
    kind, text, count, ends_at = _rule(rule, zone)
    if ends_at is not None and (ends_at <= now or ends_at < starts_at):
        raise ScheduleRefusedError.of("The schedule would be over before it begins.", field="ends_at")
    recurrence = Recurrence(kind=kind, text=text, time_zone=rule.time_zone, starts_at=starts_at, ends_at=ends_at)
    try:
        return Timing(recurrence=recurrence, count=count, next_at=recurrence.demand_moments(now))
    except RuleError as error:
        raise refused(error, field=kind.value) from error


def changed_timing(row: Schedule, change: ScheduleChange, *, now: datetime) -> Timing | None:
    """What a change makes of the timing; None where it names nothing of it."""
    given = {name: getattr(change, name) for name in _TIMING if name in change.model_fields_set}
    if not given:
        return None
    kept: dict[str, Any] = {"time_zone": row.time_zone, "starts_at": row.starts_at}
    if given.get("rrule") is None and given.get("cron") is None:
        kept[row.rule_kind] = row.rule
    # A rule that says how it ends says all of it.
    if not {"COUNT", "UNTIL"} & {part.partition("=")[0].strip().upper() for part in (change.rrule or "").split(";")}:
        kept |= {"ends_at": row.ends_at, "count": row.count}
    timing = read_timing(RuleIn.model_construct(**{"rrule": None, "cron": None, **kept, **_said(given)}), now=now)
    if timing.count is not None and timing.count <= row.occurred:
        raise ScheduleRefusedError.of(f"It has come up {row.occurred} times already.", field="count")
    return timing


def recurrence_of(row: Schedule) -> Recurrence:
    """The recurrence of a stored schedule."""
    return Recurrence(
        kind=row.rule_kind, text=row.rule, time_zone=row.time_zone, starts_at=row.starts_at, ends_at=row.ends_at
    )


def _said(given: dict[str, Any]) -> dict[str, Any]:
    """A null rule is the other kind's place-holder, not a wish; a null end or count takes it away."""
    return {name: value for name, value in given.items() if value is not None or name in ("ends_at", "count")}


def _zone(name: str) -> ZoneInfo:
    try:
        return zone_named(name)
    except RuleError as error:
        raise refused(error, field="time_zone") from error


def _rule(rule: RuleIn, zone: ZoneInfo) -> tuple[RuleKind, str, int | None, datetime | None]:
    if rule.cron is not None:
        try:
            return RuleKind.CRON, read_cron(rule.cron), rule.count, rule.ends_at
        except RuleError as error:
            raise refused(error, field="cron") from error
    try:
        said = read_rrule(rule.rrule or "", zone)
    except RuleError as error:
        raise refused(error, field="rrule") from error
    for field, here, there in (("count", said.count, rule.count), ("ends_at", said.until, rule.ends_at)):
        if here is not None and there is not None:
            raise ScheduleRefusedError.of("The rule itself says this, too.", field=field)
    return RuleKind.RRULE, said.text, said.count or rule.count, said.until or rule.ends_at
