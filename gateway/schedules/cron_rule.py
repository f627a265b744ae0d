"""Cron expressions of five fields (``0 9 * * 1-5``), read as cron reads them and calculated by APScheduler."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from heapq import merge

from apscheduler.triggers.cron import CronTrigger

from gateway.schedules.errors import RuleError

_ITEM = re.compile(r"(?P<from>\*|\w+)(?:-(?P<to>\w+))?(?:/(?P<step>\d{1,2}))?")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of the month", 1, 31, {}),
    ("month", 1, 12, {name: number for number, name in enumerate(_MONTHS, 1)}),
    ("day of the week", 0, 7, {name: number for number, name in enumerate(_WEEKDAYS)}),
)
_LONGEST_MONTH = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
LONGEST_TEXT = 200


def read_cron(given: str) -> str:
    """Check an expression and give it in one way of writing; raises RuleError with a sentence."""
    text = " ".join(given.split()).lower()
    _Fields.read(text)
    return text


class CronRule:
    """The times of one expression, as clocks on the wall show them.

    Where both kinds of days are named, a day that fits either of them counts, as in every cron.
    """

    def __init__(self, text: str) -> None:
        fields = _Fields.read(text)
        self.through_the_day = fields.is_any_hour
        self._triggers = fields.triggers()

    def times_from(self, time: datetime) -> Iterator[datetime]:
        """The times at or after this one, in order."""
        latest: datetime | None = None
        for found in merge(*(_times_of(trigger, time) for trigger in self._triggers)):
            if found != latest:
                yield found
            latest = found


class _Fields:
    """The five fields as sets of numbers. APScheduler counts days of the week from Monday; cron from Sunday."""

    def __init__(self, *, sets: list[frozenset[int]], stars: list[bool]) -> None:
        self._minutes, self._hours, self._days, self._months, weekdays = sets
        self._weekdays = frozenset(day % 7 for day in weekdays)
        self.is_any_hour = len(self._hours) == 24
        self._any_day, self._any_weekday = stars[2], stars[4]

    @classmethod
    def read(cls, text: str) -> _Fields:
        words = text.split(" ")
        if len(words) != 5 or len(text) > LONGEST_TEXT:
            raise RuleError(
                "A cron expression has five fields: minute, hour, day of the month, month, day of the week."
            )
        sets = [_read_field(word, *field) for word, field in zip(words, _FIELDS, strict=True)]
        fields = cls(sets=sets, stars=[word.startswith("*") for word in words])
        fields.demand_days()
        return fields

    def demand_days(self) -> None:
        """Raise RuleError for the 30th of February and the like."""
        if self._any_weekday and not any(min(self._days) <= _LONGEST_MONTH[month - 1] for month in self._months):
            raise RuleError(
                "This rule never comes up: no such day is in any of its months.", refusal="schedule_never_fires"
            )

    def triggers(self) -> list[CronTrigger]:
        weekdays = "*" if len(self._weekdays) == 7 else ",".join(_WEEKDAYS[day] for day in sorted(self._weekdays))
        if self._any_day or self._any_weekday:
            return [self._trigger(day=_listed(self._days, 31), day_of_week=weekdays)]
        found = [self._trigger(day="*", day_of_week=weekdays)]
        if any(min(self._days) <= _LONGEST_MONTH[month - 1] for month in self._months):
            found.append(self._trigger(day=_listed(self._days, 31), day_of_week="*"))
        return found

    def _trigger(self, *, day: str, day_of_week: str) -> CronTrigger:
        # In UTC no clock is ever changed: what happens then is decided in one place, for all kinds of rules.
        return CronTrigger(
            minute=_listed(self._minutes, 60),
            hour=_listed(self._hours, 24),
            day=day,
            month=_listed(self._months, 12),
            day_of_week=day_of_week,
            timezone=UTC,
        )


def _times_of(trigger: CronTrigger, time: datetime) -> Iterator[datetime]:
    after = time.replace(tzinfo=UTC)
    while (found := trigger.get_next_fire_time(None, after)) is not None:
        yield found.replace(tzinfo=None)
        after = found + timedelta(seconds=1)


def _listed(numbers: frozenset[int], all_of_them: int) -> str:
    """Every number of a list is looked at for every time, so that a star is much cheaper than all of them."""
    return "*" if len(numbers) == all_of_them else ",".join(map(str, sorted(numbers)))


def _read_field(word: str, name: str, low: int, high: int, names: dict[str, int]) -> frozenset[int]:
    numbers: set[int] = set()
    for item in word.split(","):
        found = _ITEM.fullmatch(item)
        if found is None or (found["from"] == "*" and found["to"]):
            raise RuleError(
                f"The {name} cannot be read. Write *, a number, a range 1-5, a step */2, or a list of these."
            )
        first, last = _bounds(found, name, low, high, names)
        numbers.update(range(first, last + 1, max(int(found["step"] or 1), 1)))
    return frozenset(numbers)


def _bounds(found: re.Match[str], name: str, low: int, high: int, names: dict[str, int]) -> tuple[int, int]:
    if found["step"] == "0" or found["step"] == "00":
        raise RuleError(f"The step of the {name} cannot be 0.")
    if found["from"] == "*":
        return low, high
    first = _value(found["from"], name, low, high, names)
    # A number with a step goes on to the end: 5/15 is 5, 20, 35 and 50.
    open_end = high if found["step"] else first
    last = _value(found["to"], name, low, high, names) if found["to"] else open_end
    if last < first:
        raise RuleError(f"The {name} has a range that ends before it begins.")
    return first, last


def _value(text: str, name: str, low: int, high: int, names: dict[str, int]) -> int:
    number = names.get(text, -1)
    if text.isascii() and text.isdecimal():
        number = int(text)
    if not low <= number <= high:
        raise RuleError(f"The {name} is {low} to {high}.")
    return number
