"""Recurrence rules of RFC 5545 (``FREQ=WEEKLY;BYDAY=MO``): read, judged, and calculated by dateutil."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

from gateway.schedules.errors import RuleError

LONGEST_TEXT = 500
#: A rule that does not come up within this time never does, for all that matters.
HORIZON = timedelta(days=3660)

_PART = re.compile(r"([A-Z]+)=([A-Z0-9,+:-]+)")
_FREQUENCIES = ("MINUTELY", "HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_NUMBERS = {
    "BYSECOND": (0, 59),
    "BYMINUTE": (0, 59),
    "BYHOUR": (0, 23),
    "BYMONTHDAY": (-31, 31),
    "BYYEARDAY": (-366, 366),
    "BYWEEKNO": (-53, 53),
    "BYMONTH": (1, 12),
    "BYSETPOS": (-366, 366),
}
_KNOWN = {"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYDAY", *_NUMBERS}
#: What the standard's table of section 3.3.10 does not allow together, and what would only ever be slow.
_NOT_WITH = {
    "BYWEEKNO": {"MINUTELY", "HOURLY", "DAILY", "WEEKLY", "MONTHLY"},
    "BYYEARDAY": {"DAILY", "WEEKLY", "MONTHLY"},
    "BYMONTHDAY": {"WEEKLY"},
    "BYSETPOS": {"MINUTELY", "HOURLY"},
}
_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_DAY = re.compile(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)")
_STEPS = {
    "MINUTELY": timedelta(minutes=1),
    "HOURLY": timedelta(hours=1),
    "DAILY": timedelta(days=1),
    "WEEKLY": timedelta(weeks=1),
}
_PER_DAY = {"MINUTELY": 1440, "HOURLY": 24}


@dataclass(frozen=True, kw_only=True)
class RuleText:
    """A rule without its end: ``COUNT`` and ``UNTIL`` are taken out, since a schedule has columns for them."""

    text: str
    count: int | None
    until: datetime | None


def read_rrule(given: str, zone: ZoneInfo) -> RuleText:
    """Check the words of a rule; raises RuleError with a sentence."""
    parts = _parts(given)
    _check_words(parts)
    _check_frequency(parts)
    _check_numbers(parts)
    _check_days(parts)
    count, until = parts.pop("COUNT", None), parts.pop("UNTIL", None)
    if count is not None and until is not None:
        raise RuleError("A rule ends by COUNT or by UNTIL, not by both.")
    return RuleText(
        text=";".join(f"{name}={value}" for name, value in parts.items()),
        count=None if count is None else _number("COUNT", count, 1, 1_000_000),
        until=None if until is None else _read_until(until, zone),
    )


class CalendarRule:
    """The times of one rule, as clocks on the wall show them."""

    def __init__(self, text: str, *, begin: datetime) -> None:
        """``begin`` is the rule's DTSTART, without a zone: it sets the phase and what the rule leaves open."""
        self._text = text
        self._begin = begin.replace(microsecond=0)
        self._parts = _parts(text)
        self._interval = int(self._parts.get("INTERVAL", 1))

    @property
    def through_the_day(self) -> bool:
        """Whether it means every hour rather than some hours of the day."""
        frequency = self._parts["FREQ"]
        if "BYHOUR" in self._parts:
            return False
        return frequency == "MINUTELY" or (frequency == "HOURLY" and self._interval == 1)

    def times_from(self, time: datetime) -> Iterator[datetime]:
        """The times at or after this one, in order."""
        rule = rrulestr(self._text, dtstart=self._begin_near(time))
        found: Iterator[datetime] = rule.xafter(time, inc=True)
        return found

    def demand_days(self, since: datetime) -> None:
        """Raise RuleError where no day within ten years fits. The calculation itself would look until the year 9999."""
        wanted = _DayFilter(self._parts, begin=self._begin.date())
        first = max(self._begin, since).date()
        if not any(wanted.fits(first + timedelta(days=number)) for number in range(HORIZON.days)):
            raise never()

    def _begin_near(self, time: datetime) -> datetime:
        """A later beginning with the same times, so that nobody counts through the years that have passed."""
        step = _STEPS.get(self._parts["FREQ"])
        if step is None or time <= self._begin:
            return self._begin
        stride = step * self._interval
        return self._begin + max((time - self._begin) // stride - 1, 0) * stride


class _DayFilter:
    """Which days can be days of a rule at all. It errs on the side of yes."""

    def __init__(self, parts: Mapping[str, str], *, begin: date) -> None:
        self._frequency, self._interval = parts["FREQ"], int(parts.get("INTERVAL", 1))
        self._begin = begin
        self._months = _values(parts, "BYMONTH")
        self._month_days = _values(parts, "BYMONTHDAY")
        self._year_days = _values(parts, "BYYEARDAY")
        days = [day for day in parts.get("BYDAY", "").split(",") if day]
        self._weekdays = {_WEEKDAYS.index(day[-2:]) for day in days}
        self._numbered = {(int(day[:-2] or 0), _WEEKDAYS.index(day[-2:])) for day in days}
        if self._frequency == "WEEKLY" and not self._weekdays:
            self._weekdays = {begin.weekday()}
        self._week_begins = _WEEKDAYS.index(parts.get("WKST", "MO"))

    def fits(self, day: date) -> bool:
        return (
            self._in_phase(day)
            and (not self._months or day.month in self._months)
            and (not self._weekdays or self._is_weekday(day))
            and (not self._month_days or bool({day.day, day.day - _length_of_month(day) - 1} & self._month_days))
            and (not self._year_days or bool(_days_of_year(day) & self._year_days))
        )

    def _in_phase(self, day: date) -> bool:
        if self._frequency == "DAILY":
            return (day - self._begin).days % self._interval == 0
        if self._frequency == "WEEKLY":
            weeks = (self._week_of(day) - self._week_of(self._begin)).days // 7
            return weeks % self._interval == 0
        return True

    def _is_weekday(self, day: date) -> bool:
        if self._frequency != "MONTHLY":
            return day.weekday() in self._weekdays
        from_start, from_end = (day.day - 1) // 7 + 1, (day.day - _length_of_month(day)) // 7 - 1
        return any((number, day.weekday()) in self._numbered for number in (0, from_start, from_end))

    def _week_of(self, day: date) -> date:
        return day - timedelta(days=(day.weekday() - self._week_begins) % 7)


def never() -> RuleError:
    """What is said of a rule without times."""
    return RuleError("This rule never comes up within the next ten years.", refusal="schedule_never_fires")


def _parts(given: str) -> dict[str, str]:
    text = given.strip().upper().removeprefix("RRULE:")
    if not text or len(text) > LONGEST_TEXT or "\n" in text:
        raise RuleError(
            "Write one RRULE in one line, such as FREQ=WEEKLY;BYDAY=MO. Its start and zone have own fields."
        )
    parts: dict[str, str] = {}
    for piece in text.rstrip(";").split(";"):
        found = _PART.fullmatch(piece)
        if found is None or found[1] in parts:
            raise RuleError("Write the rule as NAME=VALUE;NAME=VALUE, each name once.")
        parts[found[1]] = found[2]
    return parts


def _check_words(parts: Mapping[str, str]) -> None:
    unknown = sorted(set(parts) - _KNOWN)
    if unknown:
        raise RuleError(f"{unknown[0]} is no part of a rule. Its start and zone have fields of their own.")
    if "FREQ" not in parts:
        raise RuleError("A rule needs FREQ, such as FREQ=DAILY.")


def _check_frequency(parts: Mapping[str, str]) -> None:
    frequency = parts["FREQ"]
    if frequency == "SECONDLY" or "," in parts.get("BYSECOND", ""):
        raise RuleError("A schedule comes up once a minute at most.", refusal="schedule_too_frequent")
    if frequency not in _FREQUENCIES:
        raise RuleError(f"FREQ is one of {', '.join(_FREQUENCIES)}.")
    longest = _PER_DAY.get(frequency, 1000)
    _number("INTERVAL", parts.get("INTERVAL", "1"), 1, longest)
    for name, frequencies in _NOT_WITH.items():
        if name in parts and frequency in frequencies:
            raise RuleError(f"{name} does not go with FREQ={frequency}.")
    if "BYSETPOS" in parts and not any(name in parts for name in _NUMBERS.keys() - {"BYSETPOS"} | {"BYDAY"}):
        raise RuleError("BYSETPOS picks from what another BY... part gives; name one.")


def _check_numbers(parts: Mapping[str, str]) -> None:
    for name, (low, high) in _NUMBERS.items():
        for number in parts.get(name, "").split(",") if name in parts else ():
            if _number(name, number, low, high) == 0 and low < 0:
                raise RuleError(f"{name} cannot be 0.")
    if parts["FREQ"] in ("DAILY", "WEEKLY") and "BYSETPOS" in parts:
        _check_positions(parts)


def _check_positions(parts: Mapping[str, str]) -> None:
    """A position beyond what a day or a week has would be looked for until the year 9999."""
    sizes = [len(parts[name].split(",")) for name in ("BYHOUR", "BYMINUTE") if name in parts]
    if parts["FREQ"] == "WEEKLY" and "BYDAY" in parts:
        sizes.append(len(set(parts["BYDAY"].split(","))))
    most = 1
    for size in sizes:
        most *= size
    if min(abs(position) for position in _values(parts, "BYSETPOS")) > most:
        raise never()


def _check_days(parts: Mapping[str, str]) -> None:
    if parts.get("WKST", "MO") not in _WEEKDAYS:
        raise RuleError(f"WKST is one of {', '.join(_WEEKDAYS)}.")
    for day in parts["BYDAY"].split(",") if "BYDAY" in parts else ():
        found = _DAY.fullmatch(day)
        if found is None:
            raise RuleError("BYDAY is a list of days such as MO,TU or 1MO,-1FR.")
        if found[1] and parts["FREQ"] not in ("MONTHLY", "YEARLY"):
            raise RuleError("Days with a number, such as 1MO, go with FREQ=MONTHLY and FREQ=YEARLY.")
        if found[1] and (int(found[1]) == 0 or abs(int(found[1])) > 53 or "BYWEEKNO" in parts):
            raise RuleError("The number of a day in BYDAY is 1 to 53 or -53 to -1, and does not go with BYWEEKNO.")


def _number(name: str, text: str, low: int, high: int) -> int:
    try:
        number = int(text)
    except ValueError:
        number = low - 1
    if not low <= number <= high:
        raise RuleError(f"{name} takes numbers from {low} to {high}.")
    return number


def _values(parts: Mapping[str, str], name: str) -> frozenset[int]:
    return frozenset(int(number) for number in parts[name].split(",")) if name in parts else frozenset()


def _read_until(text: str, zone: ZoneInfo) -> datetime:
    """UTC with a Z, else the zone's own time; a day alone means its end."""
    for pattern in ("%Y%m%dT%H%M%SZ", "%Y%m%dT%H%M%S", "%Y%m%d"):
        try:
            moment = datetime.strptime(text, pattern)  # noqa: DTZ007 - the zone follows below
        except ValueError:
            continue
        if pattern == "%Y%m%d":
            moment = moment.replace(hour=23, minute=59, second=59)
        return moment.replace(tzinfo=UTC if text.endswith("Z") else zone).astimezone(UTC)
    raise RuleError("UNTIL is written as 20271231T235959Z, 20271231T235959 or 20271231.")


def _length_of_month(day: date) -> int:
    following = (day.replace(day=28) + timedelta(days=4)).replace(day=1)
    return (following - timedelta(days=1)).day


def _days_of_year(day: date) -> set[int]:
    number = day.timetuple().tm_yday
    length = date(day.year, 12, 31).timetuple().tm_yday
    return {number, number - length - 1}
