"""A rule within its bounds and its time zone: which moments it means."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import islice
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gateway.schedules.calendar_rule import HORIZON, CalendarRule, never
from gateway.schedules.cron_rule import CronRule
from gateway.schedules.errors import RuleError
from gateway.schedules.local_times import WIDEST_CHANGE, moments, on_the_wall
from gateway.schedules.models import RuleKind

#: Just before a moment: what comes after it includes the moment itself.
MOMENT_BEFORE = timedelta(microseconds=1)


@dataclass(frozen=True, kw_only=True)
class Recurrence:
    """All moments of one schedule. Calculating takes time, so it is done on a thread and never in a transaction."""

    kind: str
    text: str
    time_zone: str
    starts_at: datetime
    ends_at: datetime | None = None

    @cached_property
    def zone(self) -> ZoneInfo:
        return zone_named(self.time_zone)

    def after(self, moment: datetime) -> Iterator[datetime]:
        """The moments later than this one, in order."""
        moment = max(moment, self.starts_at - MOMENT_BEFORE)
        times = self._rule.times_from(on_the_wall(moment, self.zone) - self._overlap(moment))
        for found in moments(times, self.zone, through_the_day=self._rule.through_the_day):
            if self.ends_at is not None and found > self.ends_at:
                return
            if found > moment:
                yield found

    def demand_moments(self, moment: datetime) -> datetime:
        """The first moment after this one; raises RuleError where there is none that anybody will live to see."""
        if isinstance(self._rule, CalendarRule):
            self._rule.demand_days(on_the_wall(max(moment, self.starts_at), self.zone) - WIDEST_CHANGE)
        try:
            first = next(self.after(moment), None)
        except ValueError as error:
            # What dateutil says of parts that leave nothing over.
            raise never() from error
        if first is None and self.ends_at is not None:
            raise RuleError("The rule has no time before its end.", refusal="schedule_never_fires")
        if first is None or first > max(moment, self.starts_at) + HORIZON:
            raise never()
        return first

    def first(self, count: int, *, after: datetime) -> list[datetime]:
        """The next few moments."""
        return list(islice(self.after(after), count))

    def _overlap(self, moment: datetime) -> timedelta:
        """How much earlier on the wall a time may be that comes later: something only where clocks are changed."""
        around = {(moment + side).astimezone(self.zone).utcoffset() for side in (-WIDEST_CHANGE, WIDEST_CHANGE)}
        return WIDEST_CHANGE if len(around) > 1 else timedelta(0)

    @cached_property
    def _rule(self) -> CalendarRule | CronRule:
        if self.kind == RuleKind.CRON:
            return CronRule(self.text)
        return CalendarRule(self.text, begin=on_the_wall(self.starts_at, self.zone))


def zone_named(name: str) -> ZoneInfo:
    """The zone with this IANA name; raises RuleError."""
    problem = "There is no such time zone. Use a name such as Europe/Berlin."
    # Names that only machines use, and addresses of files, are no zones of the world.
    if not name or name.startswith(("posix", "right", "/", ".")) or name in ("localtime", "Factory"):
        raise RuleError(problem)
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise RuleError(problem) from error
