"""How many requests a caller may make."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.api.rate_limit import RateLimiter
from gateway.kit.errors import TooManyError
from tests.api.toys import ToyRoutes
from tests.conftest import SettableClock
from tests.serving import ClientFactory, Parts


def test_a_burst_goes_through_and_then_one_at_a_time(clock: SettableClock) -> None:
    limiter = RateLimiter(clock=clock, per_second=10, burst=5)

    burst = [limiter.take("ada") for _ in range(6)]
    clock.advance(0.1)
    after = [limiter.take("ada") for _ in range(2)]

    assert [allowance.remaining for allowance in burst] == [4, 3, 2, 1, 0, 0]
    assert [allowance.retry_after_seconds is None for allowance in burst] == [True] * 5 + [False]
    assert [allowance.retry_after_seconds is None for allowance in after] == [True, False]


def test_callers_do_not_share(clock: SettableClock) -> None:
    limiter = RateLimiter(clock=clock, per_second=1, burst=1)
    limiter.take("ada")

    limiter.take("bob").demand()

    with pytest.raises(TooManyError):
        limiter.take("ada").demand()


@settings(deadline=None)
@given(
    per_second=st.floats(0.5, 500),
    burst=st.integers(1, 50),
    pauses=st.lists(st.floats(0, 0.5), min_size=1, max_size=200),
)
def test_nobody_gets_more_than_the_rate_and_who_waits_as_told_gets_through(
    per_second: float, burst: int, pauses: list[float]
) -> None:
    clock = SettableClock()
    limiter = RateLimiter(clock=clock, per_second=per_second, burst=burst)
    started = clock.monotonic()

    granted = 0
    for pause in pauses:
        clock.advance(pause)
        allowance = limiter.take("ada")
        granted += allowance.retry_after_seconds is None
        assert granted <= burst + (clock.monotonic() - started) * per_second + 0.01
        assert 0 <= allowance.remaining <= burst
    while (wait := limiter.take("ada").retry_after_seconds) is None:
        pass
    clock.advance(wait + 1e-6)

    assert limiter.take("ada").retry_after_seconds is None


async def test_a_limited_caller_is_told_what_is_left_and_how_long_to_wait(
    parts: Parts, aiohttp_client: ClientFactory, clock: Any
) -> None:
    limiter = RateLimiter(clock=clock, per_second=0.5, burst=2)
    client = await parts.serve(aiohttp_client, tables=[ToyRoutes()], limiter=limiter)
    key = {"X-API-Key": await parts.make_key()}

    answers = [await client.get("/api/v1/toys", headers=key) for _ in range(3)]
    public = await client.get("/api/v1/toys-public")

    assert [answer.status for answer in answers] == [200, 200, 429]
    assert answers[0].headers["RateLimit-Policy"] == '"default";q=2'
    assert answers[0].headers["RateLimit"] == '"default";r=1;t=2'
    assert answers[2].headers["RateLimit"] == '"default";r=0;t=4'
    assert answers[2].headers["Retry-After"] == "2"
    assert (await answers[2].json())["code"] == "rate_limited"
    assert public.status == 200
