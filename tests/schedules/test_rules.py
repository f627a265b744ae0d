"""Which moments a rule means: in its time zone, when clocks are changed, and up to its end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.kit.errors import InvalidError
from gateway.schedules.recurrence import Recurrence
from gateway.schedules.requests import RuleIn
from gateway.schedules.timing import read_timing

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


def local(moment: str, zone: str = "Europe/Berlin") -> datetime:
    return datetime.fromisoformat(moment).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def times(count: int, *, after: datetime = NOW, zone: str = "Europe/Berlin", **rule: object) -> list[str]:
    """The next few times of a rule, as clocks on the wall show them with their offset."""
    timing = read_timing(RuleIn.model_validate({"time_zone": zone, **rule}), now=after)
    found = timing.recurrence.first(count, after=after)
    return [moment.astimezone(ZoneInfo(zone)).strftime("%a %m-%d %H:%M%z") for moment in found]


def refusal(**rule: object) -> tuple[str, str]:
    """The code and the field of a rule that is refused."""
    with pytest.raises(InvalidError) as caught:
        read_timing(RuleIn.model_validate({"time_zone": "UTC", **rule}), now=NOW)
    return caught.value.code, caught.value.fields[0].path


def test_a_rule_keeps_its_hour_on_the_wall_in_summer_and_winter() -> None:
    found = times(3, after=local("2026-03-27T12:00"), rrule="FREQ=DAILY;BYHOUR=9;BYMINUTE=0;BYSECOND=0")

    assert found == ["Sat 03-28 09:00+0100", "Sun 03-29 09:00+0200", "Mon 03-30 09:00+0200"]


@pytest.mark.parametrize(
    "rule", [{"rrule": "FREQ=DAILY;BYHOUR=2;BYMINUTE=30;BYSECOND=0"}, {"cron": "30 2 * * *"}], ids=["rrule", "cron"]
)
def test_a_time_that_clocks_jump_over_comes_as_much_later(rule: dict[str, str]) -> None:
    found = times(3, after=local("2026-03-28T00:00"), **rule)

    assert found == ["Sat 03-28 02:30+0100", "Sun 03-29 03:30+0200", "Mon 03-30 02:30+0200"]


@pytest.mark.parametrize(
    "rule", [{"rrule": "FREQ=DAILY;BYHOUR=2;BYMINUTE=30;BYSECOND=0"}, {"cron": "30 2 * * *"}], ids=["rrule", "cron"]
)
def test_a_time_that_comes_twice_counts_once(rule: dict[str, str]) -> None:
    found = times(3, after=local("2026-10-24T00:00"), **rule)

    assert found == ["Sat 10-24 02:30+0200", "Sun 10-25 02:30+0200", "Mon 10-26 02:30+0100"]


@pytest.mark.parametrize(
    "rule", [{"rrule": "FREQ=HOURLY;BYMINUTE=30;BYSECOND=0"}, {"cron": "30 * * * *"}], ids=["rrule", "cron"]
)
def test_what_comes_every_hour_comes_every_real_hour(rule: dict[str, str]) -> None:
    spring = times(3, after=local("2026-03-29T01:00"), **rule)
    autumn = times(4, after=local("2026-10-25T01:00"), **rule)

    assert spring == ["Sun 03-29 01:30+0100", "Sun 03-29 03:30+0200", "Sun 03-29 04:30+0200"]
    assert autumn == ["Sun 10-25 01:30+0200", "Sun 10-25 02:30+0200", "Sun 10-25 02:30+0100", "Sun 10-25 03:30+0100"]


def test_a_time_that_is_put_off_by_a_jump_keeps_its_place_among_others() -> None:
    rule = "FREQ=DAILY;BYHOUR=2,3;BYMINUTE=15,45;BYSECOND=0"

    assert times(4, after=local("2026-03-29T00:00"), rrule=rule) == [
        "Sun 03-29 03:15+0200",
        "Sun 03-29 03:45+0200",
        "Mon 03-30 02:15+0200",
        "Mon 03-30 02:45+0200",
    ]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,FR", ["Mon 03-09", "Fri 03-13", "Mon 03-23", "Fri 03-27"]),
        ("FREQ=MONTHLY;BYDAY=-1FR", ["Fri 03-27", "Fri 04-24", "Fri 05-29", "Fri 06-26"]),
        ("FREQ=MONTHLY;BYMONTHDAY=31", ["Tue 03-31", "Sun 05-31", "Fri 07-31", "Mon 08-31"]),
        ("FREQ=MONTHLY;BYMONTHDAY=-1", ["Tue 03-31", "Thu 04-30", "Sun 05-31", "Tue 06-30"]),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", ["Tue 03-31", "Thu 04-30", "Fri 05-29", "Tue 06-30"]),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", ["Tue 02-29", "Sun 02-29", "Fri 02-29", "Wed 02-29"]),
        ("FREQ=DAILY;INTERVAL=10", ["Sun 03-01", "Wed 03-11", "Sat 03-21", "Tue 03-31"]),
        ("RRULE:FREQ=WEEKLY;COUNT=2", ["Sun 03-01", "Sun 03-08", "Sun 03-15", "Sun 03-22"]),
    ],
)
def test_rules_of_the_standard(rule: str, expected: list[str]) -> None:
    found = times(4, rrule=rule, starts_at="2026-03-01T20:00:00+01:00")

    assert [time[:9] for time in found] == expected
    assert {time[10:15] for time in found} == {"20:00"}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("0 9 * * 1-5", ["Mon 03-02 09:00", "Tue 03-03 09:00", "Wed 03-04 09:00"]),
        ("0 9 * * 0", ["Sun 03-08 09:00", "Sun 03-15 09:00", "Sun 03-22 09:00"]),
        ("0 9 * * 7", ["Sun 03-08 09:00", "Sun 03-15 09:00", "Sun 03-22 09:00"]),
        ("0 9 * * SUN,tue", ["Tue 03-03 09:00", "Sun 03-08 09:00", "Tue 03-10 09:00"]),
        ("0 9 13 * fri", ["Fri 03-06 09:00", "Fri 03-13 09:00", "Fri 03-20 09:00"]),
        ("0 9 15 * fri", ["Fri 03-06 09:00", "Fri 03-13 09:00", "Sun 03-15 09:00"]),
        ("*/20 14-15 1 mar *", ["Sun 03-01 14:00", "Sun 03-01 14:20", "Sun 03-01 14:40"]),
        ("5/25 13 * * *", ["Sun 03-01 13:05", "Sun 03-01 13:30", "Sun 03-01 13:55"]),
        ("0 0 29 2 *", ["Tue 02-29 00:00", "Sun 02-29 00:00", "Fri 02-29 00:00"]),
    ],
)
def test_expressions_are_read_as_cron_reads_them(expression: str, expected: list[str]) -> None:
    assert [time[:15] for time in times(3, cron=expression)] == expected


def test_a_rule_begins_with_its_start_and_ends_with_its_end() -> None:
    found = times(9, cron="0 9 * * *", starts_at="2026-03-10T08:00:00Z", ends_at="2026-03-12T08:00:00Z")

    assert [time[:15] for time in found] == ["Tue 03-10 09:00", "Wed 03-11 09:00", "Thu 03-12 09:00"]


@pytest.mark.parametrize("until", ["20260303T080000Z", "20260303T090000", "20260303"])
def test_until_is_an_end(until: str) -> None:
    assert len(times(9, rrule=f"FREQ=DAILY;BYHOUR=9;BYMINUTE=0;BYSECOND=0;UNTIL={until}")) == 2


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ("", "schedule_rule_invalid"),
        ("DAILY", "schedule_rule_invalid"),
        ("FREQ=OFTEN", "schedule_rule_invalid"),
        ("INTERVAL=2", "schedule_rule_invalid"),
        ("FREQ=DAILY;FREQ=WEEKLY", "schedule_rule_invalid"),
        ("FREQ=DAILY;BYEASTER=1", "schedule_rule_invalid"),
        ("FREQ=DAILY;INTERVAL=0", "schedule_rule_invalid"),
        ("FREQ=DAILY;BYHOUR=24", "schedule_rule_invalid"),
        ("FREQ=DAILY;BYMONTHDAY=0", "schedule_rule_invalid"),
        ("FREQ=DAILY;BYDAY=1MO", "schedule_rule_invalid"),
        ("FREQ=WEEKLY;BYMONTHDAY=1", "schedule_rule_invalid"),
        ("FREQ=MONTHLY;BYWEEKNO=3", "schedule_rule_invalid"),
        ("FREQ=DAILY;COUNT=2;UNTIL=20270101", "schedule_rule_invalid"),
        ("FREQ=DAILY;UNTIL=soon", "schedule_rule_invalid"),
        ("DTSTART:20260101T000000\nRRULE:FREQ=DAILY", "schedule_rule_invalid"),
        ("FREQ=SECONDLY", "schedule_too_frequent"),
        ("FREQ=MINUTELY;BYSECOND=0,30", "schedule_too_frequent"),
        ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "schedule_never_fires"),
        ("FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=30", "schedule_never_fires"),
        ("FREQ=DAILY;INTERVAL=7;BYDAY=MO", "schedule_never_fires"),
        ("FREQ=DAILY;BYHOUR=1,2;BYSETPOS=3", "schedule_never_fires"),
        ("FREQ=HOURLY;INTERVAL=24;BYHOUR=3", "schedule_never_fires"),
        ("FREQ=MONTHLY;BYDAY=5MO;BYMONTHDAY=1", "schedule_never_fires"),
        ("FREQ=YEARLY;INTERVAL=500;BYMONTH=2", "schedule_never_fires"),
    ],
)
def test_a_rule_that_cannot_be_kept_is_refused_at_once(rule: str, code: str) -> None:
    assert refusal(rrule=rule) == (code, "rrule")


@pytest.mark.parametrize(
    "expression",
    ["", "* * * *", "* * * * * *", "60 * * * *", "5-1 * * * *", "*/0 * * * *", "0 9 * * 8", "0 9 L * *", "@daily"],
)
def test_an_expression_that_cannot_be_read_is_refused(expression: str) -> None:
    assert refusal(cron=expression) == ("schedule_rule_invalid", "cron")


def test_an_expression_that_never_comes_up_is_refused() -> None:
    assert refusal(cron="0 0 30 2 *") == ("schedule_never_fires", "cron")


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../../etc/passwd", "Europe", "/etc/localtime", "localtime"])
def test_a_zone_that_is_none_is_refused(zone: str) -> None:
    assert refusal(cron="0 9 * * *", time_zone=zone)[1] == "time_zone"


def test_what_is_over_before_it_begins_is_refused() -> None:
    assert refusal(cron="0 9 * * *", ends_at="2026-02-01T00:00:00Z")[1] == "ends_at"
    assert refusal(cron="0 9 * * *", ends_at="2026-03-01T12:30:00Z") == ("schedule_never_fires", "cron")
    assert refusal(rrule="FREQ=DAILY;COUNT=3", count=4)[1] == "count"
    assert refusal(cron="0 9 * * *", starts_at="2126-01-01T00:00:00Z")[1] == "starts_at"


def test_a_rule_that_began_long_ago_is_calculated_at_once() -> None:
    recurrence = Recurrence(
        kind="rrule", text="FREQ=MINUTELY;INTERVAL=7", time_zone="UTC", starts_at=NOW - timedelta(days=3000)
    )

    first = next(recurrence.after(NOW))

    assert NOW < first <= NOW + timedelta(minutes=7)
    assert (first - recurrence.starts_at) % timedelta(minutes=7) == timedelta(0)


ZONES = st.sampled_from(
    ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Africa/Casablanca"]
)
RULES = st.sampled_from(
    [
        ("rrule", "FREQ=DAILY;BYHOUR=2;BYMINUTE=30"),
        ("rrule", "FREQ=HOURLY"),
        ("rrule", "FREQ=MINUTELY;INTERVAL=25"),
        ("rrule", "FREQ=WEEKLY;BYDAY=SU;BYHOUR=1,2,3;BYMINUTE=0,30"),
        ("rrule", "FREQ=MONTHLY;BYDAY=-1SU;BYHOUR=2"),
        ("cron", "15 2 * * 0"),
        ("cron", "*/10 * * * *"),
    ]
)


@given(zone=ZONES, rule=RULES, hours=st.integers(0, 24 * 700), steps=st.integers(1, 30))
@settings(max_examples=80, deadline=None)
def test_wherever_one_begins_to_look_the_moments_are_the_same_and_in_order(
    zone: str, rule: tuple[str, str], hours: int, steps: int
) -> None:
    """What fires one by one, each calculated from the one before, is what a preview shows."""
    recurrence = Recurrence(kind=rule[0], text=rule[1], time_zone=zone, starts_at=datetime(2026, 1, 1, tzinfo=UTC))
    begin = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hours)
    shown = list(islice(recurrence.after(begin), steps))

    moment, fired = begin, []
    for _ in range(steps):
        moment = next(recurrence.after(moment))
        fired.append(moment)

    assert fired == shown
    assert all(earlier < later for earlier, later in pairwise(shown))
