"""Kills the daemon while events are delivered: every event that is in the log reaches the endpoint."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

import aiohttp

from gateway.bench.client import BenchError
from gateway.torture.contract import Claim, Ordeal, Torture
from gateway.torture.hooks import Hook, many_talkers
from gateway.torture.talkers import Talker, log_after, newest_position
from gateway.torture.world import World, faults_in_log, open_world, until

KILLS = 200
EVENTS_PER_SECOND = 100.0
CONTACTS = 10
_TYPES = "contact.*"
_LONGEST_PEACE_SECONDS = 1.5


async def run(ordeal: Ordeal) -> Sequence[Claim]:
    """Kill it at random moments while contacts change; in the end compare the log with what was heard."""
    async with (
        open_world(ordeal.folder, environment={"WAGATE_HTTP__REQUESTS_PER_SECOND": "100000"}) as world,
        Hook() as hook,
        aiohttp.ClientSession() as http,
    ):
        talkers = await many_talkers(world, http, count=CONTACTS, per_second=EVENTS_PER_SECOND)
        await world.client.api("POST", "/webhooks", {"url": hook.url, "events": [_TYPES]})
        begin = await newest_position(world)
        kills = await _kill(ordeal, world, talkers)
        return [*await _compare(world, hook, begin, kills), faults_in_log(world)]


async def _kill(ordeal: Ordeal, world: World, talkers: Sequence[Talker]) -> int:
    kills = ordeal.times(KILLS)
    for number in range(kills):
        is_over = asyncio.Event()
        talking = [asyncio.create_task(_talk_while_it_lives(talker, is_over)) for talker in talkers]
        await asyncio.sleep(ordeal.chance.uniform(0.2, _LONGEST_PEACE_SECONDS))
        old = await world.kill_gateway()
        is_over.set()
        await asyncio.gather(*talking)
        await world.until_new_gateway(old)
        ordeal.tell(f"daemon killed {number + 1} times")
    return kills


async def _talk_while_it_lives(talker: Talker, is_over: asyncio.Event) -> None:
    talker.said = 0  # it keeps its rate from here on, whatever it said before the last kill
    try:
        await talker.run(is_over)
    except* aiohttp.ClientError:
        await is_over.wait()  # what it said last may be in the log or not: the log alone says what must be heard


async def _compare(world: World, hook: Hook, begin: str, kills: int) -> list[Claim]:
    expected = await log_after(world, begin, types=_TYPES)

    async def all_heard() -> bool:
        return set(expected) <= hook.heard.keys()

    with contextlib.suppress(BenchError):  # what is missing then is lost, and counted
        await until(all_heard, what="last event at the endpoint", timeout_seconds=30.0)
    lost = len(set(expected) - hook.heard.keys())
    repeated = sum(hook.heard.values()) - len(hook.heard)
    return [
        Claim(name="kill -9 of the daemon", measured=kills),
        Claim(name="events", measured=len(expected)),
        Claim(name="deliveries lost", measured=lost, at_most=0),
        Claim(name="heard, but not in the log", measured=len(hook.heard.keys() - set(expected)), at_most=0),
        Claim(name="deliveries repeated", measured=repeated, note="under the same id; promised is at least once"),
    ]


TORTURE = Torture(
    name="webhook-kills",
    sentence="kill -9 of the daemon while events are delivered; every event of the log reaches the endpoint",
    run=run,
)
