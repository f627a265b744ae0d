"""Endpoints that hang wait for each other only; requests per endpoint follow how it answers."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.webhooks.pace import WIDTH, Pace
from gateway.webhooks.poster import Outcome
from gateway.webhooks.turnstile import Turnstile

NOW = datetime(2026, 3, 1, tzinfo=UTC)
GOOD = Outcome(status=204, duration_ms=1)
BAD = Outcome(status=500, error="answered_error", duration_ms=1)


async def hang(turnstile: Turnstile, entered: list[str], name: str, *, slow: bool) -> None:
    async with turnstile.enter(slow=slow):
        entered.append(name)
        await asyncio.Event().wait()


async def test_those_that_answer_never_wait_behind_those_that_hang(eventually: Any) -> None:
    turnstile, entered = Turnstile(brisk_limit=4, slow_limit=2, patience_seconds=0.05), list[str]()
    hanging = [asyncio.create_task(hang(turnstile, entered, "brisk", slow=False)) for _ in range(12)]
    hanging += [asyncio.create_task(hang(turnstile, entered, "slow", slow=True)) for _ in range(5)]

    await eventually(lambda: entered.count("brisk") == 12)
    async with asyncio.timeout(2):
        for _ in range(20):
            async with turnstile.enter(slow=False):
                pass

    assert entered.count("slow") == 2
    for task in hanging:
        task.cancel()
    await asyncio.gather(*hanging, return_exceptions=True)


async def test_a_place_is_free_again_once_and_for_all(eventually: Any) -> None:
    turnstile = Turnstile(brisk_limit=1, slow_limit=1, patience_seconds=0.01)
    async with turnstile.enter(slow=False), asyncio.timeout(2), turnstile.enter(slow=False):
        pass
    entered: list[str] = []
    hanging = [asyncio.create_task(hang(turnstile, entered, "slow", slow=True)) for _ in range(2)]
    await eventually(lambda: len(entered) == 1)
    hanging[0].cancel()
    await eventually(lambda: len(entered) == 2)
    hanging[1].cancel()
    await asyncio.gather(*hanging, return_exceptions=True)


def test_an_endpoint_is_given_more_as_it_answers_and_one_at_a_time_when_it_does_not() -> None:
    pace = Pace(slow=False)
    widths = []
    for _ in range(5):
        widths.append(pace.width)
        pace.learn(GOOD, took_long=False, now=NOW)

    assert widths == [1, 2, 4, WIDTH, WIDTH]
    pace.learn(BAD, took_long=False, now=NOW)
    assert pace.width == 1


def test_a_slow_endpoint_gets_one_request_at_a_time_until_it_is_quick() -> None:
    pace = Pace(slow=True)
    pace.learn(GOOD, took_long=True, now=NOW)
    assert (pace.slow, pace.width) == (True, 1)

    pace.learn(GOOD, took_long=False, now=NOW)
    assert (pace.slow, pace.width) == (False, 4)


@pytest.mark.parametrize(("asked", "seconds"), [(None, 5), (60.0, 60), (86_400.0, 300)])
def test_a_busy_endpoint_rests_as_long_as_it_asks_up_to_a_limit(asked: float | None, seconds: int) -> None:
    pace = Pace(slow=False)
    pace.learn(Outcome(status=429, error="busy", duration_ms=1, retry_after_seconds=asked), took_long=False, now=NOW)

    assert pace.rests_until(NOW) == NOW + timedelta(seconds=seconds)
    assert pace.rests_until(NOW + timedelta(seconds=seconds)) is None


@pytest.mark.parametrize("timeout_seconds", [1.5])
async def test_many_endpoints_that_hang_delay_nobody(rig: Any, receiver: Any, eventually: Any) -> None:
    for number in range(10):
        await rig.endpoint(receiver.url(f"/hangs/{number}"))
        receiver.hang(f"/hangs/{number}")
    await rig.endpoint(receiver.url("/quick"))
    await rig.emit(30)
    await eventually(lambda: sum(request.path == "/quick" for request in receiver.requests) == 30)

    # One at a time is all that each of those that hang has had; thirty waits for each would have been the alternative.
    most = max(sum(request.path == f"/hangs/{number}" for request in receiver.requests) for number in range(10))
    assert most <= 3
