"""The retry schedule and what endpoints may ask for."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.webhooks.retries import SCHEDULE_SECONDS, delay_before, parse_retry_after

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def test_ten_tries_take_a_little_over_three_days() -> None:
    assert len(SCHEDULE_SECONDS) == 10
    assert 75 * 3600 < sum(SCHEDULE_SECONDS) < 76 * 3600
    assert list(SCHEDULE_SECONDS) == sorted(SCHEDULE_SECONDS)


@given(tries=st.integers(1, 9), seed=st.integers())
def test_jitter_only_delays_and_by_a_fifth_at_most(tries: int, seed: int) -> None:
    wait = delay_before(tries, retry_after_seconds=None, chance=random.Random(seed))

    assert wait is not None
    assert SCHEDULE_SECONDS[tries] <= wait <= SCHEDULE_SECONDS[tries] * 1.2


@given(tries=st.integers(1, 9), asked=st.floats(0, 1e9), seed=st.integers())
def test_what_is_asked_for_is_waited_for_but_no_longer_than_a_day_or_the_schedule(
    tries: int, asked: float, seed: int
) -> None:
    wait = delay_before(tries, retry_after_seconds=asked, chance=random.Random(seed))

    assert wait is not None
    assert wait >= min(asked, 86_400)
    assert wait <= max(86_400, SCHEDULE_SECONDS[tries] * 1.2)


@given(tries=st.integers(10, 1000))
def test_after_the_last_try_it_is_enough(tries: int) -> None:
    assert delay_before(tries, retry_after_seconds=5.0, chance=random.Random(1)) is None


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        (" 7 ", 7.0),
        ("0", 0.0),
        ("Sun, 01 Mar 2026 12:10:00 GMT", 600.0),
        ("Sun, 01 Mar 2026 13:10:00 +0100", 600.0),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("", None),
        ("９", None),
        ("9" * 400, 999_999_999.0),
        ("Sun, 01 Mar 2026 12:10:00 +" + "9" * 40, None),
        ("Sun, 01 Mar 99999 12:10:00 GMT", None),
        (None, None),
    ],
)
def test_retry_after_is_a_number_or_a_date(value: str | None, seconds: float | None) -> None:
    assert parse_retry_after(value, now=NOW) == seconds


@given(st.text(max_size=60))
def test_nothing_that_an_endpoint_writes_there_breaks_us(value: str) -> None:
    parsed = parse_retry_after(value, now=NOW)

    assert parsed is None or parsed >= 0
