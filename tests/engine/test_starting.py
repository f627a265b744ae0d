"""Many sessions that come back at once: their processes start in turns, and the end of an outage is passed on."""

from __future__ import annotations

import asyncio
import itertools
import time
from random import Random
from typing import Any

import pytest

from sessions.starting import Outage, Turns


@pytest.fixture
def never() -> asyncio.Event:
    return asyncio.Event()


async def test_only_so_many_start_at_once(never: asyncio.Event) -> None:
    turns = Turns(limit=2)
    first, second = await turns.take(unless=never), await turns.take(unless=never)
    third = asyncio.create_task(turns.take(unless=never))
    await asyncio.sleep(0)
    assert first is not None
    assert second is not None
    assert not third.done()

    first.end()
    first.end()

    taken = await asyncio.wait_for(third, 5)
    assert taken is not None
    fourth = asyncio.create_task(turns.take(unless=never))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not fourth.done(), "a turn that is ended twice makes room for one"
    second.end()
    assert await asyncio.wait_for(fourth, 5) is not None


async def test_who_is_not_wanted_any_more_takes_no_turn(never: asyncio.Event) -> None:
    turns, unwanted = Turns(limit=1), asyncio.Event()
    held = await turns.take(unless=never)
    waiting = asyncio.create_task(turns.take(unless=unwanted))
    await asyncio.sleep(0)

    unwanted.set()

    assert await asyncio.wait_for(waiting, 5) is None
    assert await turns.take(unless=unwanted) is None
    assert held is not None
    held.end()
    assert await asyncio.wait_for(turns.take(unless=never), 5) is not None, "nothing was lost on the way"


async def test_the_first_who_reaches_whatsapp_again_calls_the_others(never: asyncio.Event, eventually: Any) -> None:
    outage = Outage(random=Random(1), spread_seconds=0.2, between_tries_seconds=0.05)
    ends: list[float] = []

    async def wait() -> None:
        await outage.wait(60, unless=never)
        ends.append(time.monotonic())

    waiting = [asyncio.create_task(wait()) for _ in range(50)]
    await eventually(lambda: outage.waiting == 50)

    over_at = time.monotonic()
    outage.is_over()
    await asyncio.wait_for(asyncio.gather(*waiting), 10)

    assert max(ends) - over_at < 2
    assert len({round(end, 2) for end in ends}) > 5, "they do not come all at once"


async def test_without_such_news_the_wait_is_what_it_was(never: asyncio.Event) -> None:
    outage = Outage(random=Random(1), spread_seconds=0.2, between_tries_seconds=0.05)
    started = time.monotonic()

    await outage.wait(0.1, unless=never)

    assert 0.1 <= time.monotonic() - started < 5


async def test_somebody_who_is_stopped_does_not_wait_for_the_end_of_an_outage(eventually: Any) -> None:
    outage, stopped = Outage(random=Random(1), spread_seconds=30, between_tries_seconds=2), asyncio.Event()
    first = asyncio.create_task(outage.wait(60, unless=stopped))
    second = asyncio.create_task(outage.wait(60, unless=stopped))
    await eventually(lambda: outage.waiting == 2)
    outage.is_over()

    stopped.set()

    await asyncio.wait_for(asyncio.gather(first, second), 5)


async def test_however_many_wait_they_try_one_after_the_other(never: asyncio.Event) -> None:
    outage = Outage(random=Random(1), spread_seconds=0.1, between_tries_seconds=0.1)
    tries: list[float] = []

    async def wait_and_try() -> None:
        await outage.wait(0.01, unless=never)
        tries.append(time.monotonic())

    waiting = [asyncio.create_task(wait_and_try()) for _ in range(5)]
    await asyncio.wait_for(asyncio.gather(*waiting), 10)

    gaps = [later - earlier for earlier, later in itertools.pairwise(tries)]
    assert min(gaps) > 0.09
