"""When it is night where people live, clock changes included."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contacts.models import Contact
from gateway.fleet.models import Session
from gateway.pacing.settings import Pace
from gateway.pacing.zones import day_in, next_day_in, quiet_until, zone_of_session, zones_of_contact, zones_of_number

BERLIN, NEW_YORK, KOLKATA = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York"), ZoneInfo("Asia/Kolkata")
UTC_ZONE = ZoneInfo("UTC")
NIGHT = (time(21), time(8))


def quiet(at: datetime, *zones: ZoneInfo, begin: time = NIGHT[0], end: time = NIGHT[1]) -> datetime | None:
    return quiet_until(at, begin=begin, end=end, zones=zones, otherwise=UTC_ZONE)


@pytest.mark.parametrize(
    ("phone", "zone"),
    [
        ("+4915112345678", "Europe/Berlin"),
        ("+12125550123", "America/New_York"),
        ("+919812345678", "Asia/Calcutta"),
        ("+254712345678", "Africa/Nairobi"),
        ("+9613123456", "Asia/Beirut"),
    ],
)
def test_a_number_tells_where_it_is_from(phone: str, zone: str) -> None:
    assert str(zones_of_number(phone)[0]) == zone


def test_what_we_were_told_is_worth_more_than_the_number() -> None:
    told = Contact(phone="+4915112345678", timezone="Asia/Kolkata")

    assert zones_of_contact(told, otherwise=UTC_ZONE) == (KOLKATA,)
    assert zones_of_contact(Contact(phone=None, timezone=None), otherwise=BERLIN) == (BERLIN,)


def test_a_session_lives_where_it_is_set_to_else_where_its_number_is_from() -> None:
    assert zone_of_session(Session(phone="+4915112345678"), Pace(timezone="Asia/Kolkata")) == KOLKATA
    assert zone_of_session(Session(phone="+4915112345678"), Pace()) == BERLIN
    assert zone_of_session(Session(phone=None), Pace()) == UTC_ZONE


def test_by_day_nobody_waits() -> None:
    assert quiet(datetime(2026, 6, 1, 6, 0, tzinfo=UTC), BERLIN) is None  # 08:00 there
    assert quiet(datetime(2026, 6, 1, 18, 59, tzinfo=UTC), BERLIN) is None  # 20:59 there


def test_a_night_over_midnight_ends_in_the_morning() -> None:
    morning = datetime(2026, 6, 2, 6, 0, tzinfo=UTC)

    assert quiet(datetime(2026, 6, 1, 19, 0, tzinfo=UTC), BERLIN) == morning
    assert quiet(datetime(2026, 6, 2, 5, 59, tzinfo=UTC), BERLIN) == morning


def test_a_rest_at_noon_ends_the_same_day() -> None:
    noon = datetime(2026, 6, 1, 11, 0, tzinfo=UTC)

    assert quiet(noon, BERLIN, begin=time(12, 30), end=time(14)) == datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


def test_the_night_in_which_clocks_go_forward_ends_an_hour_sooner() -> None:
    evening = datetime(2026, 3, 28, 21, 0, tzinfo=UTC)  # 22:00, an hour of the night will be missing

    assert quiet(evening, BERLIN) == datetime(2026, 3, 29, 6, 0, tzinfo=UTC)
    assert quiet(datetime(2026, 3, 27, 21, 0, tzinfo=UTC), BERLIN) == datetime(2026, 3, 28, 7, 0, tzinfo=UTC)


def test_an_end_that_the_clock_skips_is_the_first_moment_after_the_gap() -> None:
    before = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)  # 01:30; at 02:00 it becomes 03:00

    until = quiet(before, BERLIN, begin=time(22), end=time(2, 30))

    assert until == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert quiet(datetime(2026, 3, 29, 1, 30, tzinfo=UTC), BERLIN, begin=time(22), end=time(2, 30)) is None


def test_an_end_that_comes_twice_is_kept_both_times() -> None:
    first, second = datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    span = {"begin": time(22), "end": time(2, 30)}

    assert quiet(datetime(2026, 10, 24, 23, 0, tzinfo=UTC), BERLIN, **span) == first
    assert quiet(first, BERLIN, **span) is None
    assert quiet(datetime(2026, 10, 25, 1, 10, tzinfo=UTC), BERLIN, **span) == second  # 02:10 for the second time


def test_a_number_of_a_wide_country_waits_until_it_is_day_in_all_of_it() -> None:
    evening = datetime(2026, 6, 1, 23, 0, tzinfo=UTC)  # 19:00 in New York, 01:00 in Berlin

    assert quiet(evening, NEW_YORK, BERLIN) == datetime(2026, 6, 2, 12, 0, tzinfo=UTC)


def test_where_it_is_never_day_everywhere_the_sessions_own_zone_counts() -> None:
    everywhere = [ZoneInfo(f"Etc/GMT{hours:+d}") for hours in (-12, -4, 4, 12)]
    midnight = datetime(2026, 6, 1, 0, 0, tzinfo=UTC)

    until = quiet_until(midnight, begin=NIGHT[0], end=NIGHT[1], zones=everywhere, otherwise=UTC_ZONE)

    assert until == datetime(2026, 6, 1, 8, 0, tzinfo=UTC)


def test_a_day_begins_at_midnight_there_also_where_clocks_change_at_midnight() -> None:
    beirut = ZoneInfo("Asia/Beirut")
    before = datetime(2026, 3, 28, 20, 0, tzinfo=UTC)

    begin = next_day_in(beirut, before)

    assert begin == datetime(2026, 3, 28, 22, 0, tzinfo=UTC)  # 00:00 does not exist; it is 01:00 at once
    assert day_in(beirut, begin) == date(2026, 3, 29)


@given(
    at=st.integers(0, 3 * 365 * 24 * 60).map(
        lambda minutes: datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    ),
    begin=st.times(),
    end=st.times(),
    name=st.sampled_from(["Europe/Berlin", "America/St_Johns", "Asia/Beirut", "Australia/Lord_Howe", "Africa/Cairo"]),
)
def test_no_night_is_without_an_end(at: datetime, begin: time, end: time, name: str) -> None:
    if begin.replace(second=0, microsecond=0) == end.replace(second=0, microsecond=0):
        return
    span = {"begin": begin.replace(second=0, microsecond=0), "end": end.replace(second=0, microsecond=0)}

    until = quiet(at, ZoneInfo(name), **span)

    assert until is None or at < until
    assert until is None or quiet(until, ZoneInfo(name), **span) is None
    assert next_day_in(ZoneInfo(name), at) > at
