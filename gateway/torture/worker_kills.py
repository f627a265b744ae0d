"""Kills workers while customers post: the same claims as for the daemon."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Sequence

from gateway.torture.contract import Claim, Ordeal, Torture
from gateway.torture.daemon_kills import LINES, POSTS_PER_SECOND, customer
from gateway.torture.verdicts import outgoing_claims, until_caught_up
from gateway.torture.world import World, faults_in_log, open_world

KILLS = 500
LOST_RECEIPTS_PER_KILL = 0.2
_LONGEST_PEACE_SECONDS = 2.0


async def run(ordeal: Ordeal) -> Sequence[Claim]:
    """Kill one or the other at random moments, whether or not it is connected already."""
    async with open_world(ordeal.folder) as world:
        customers = [await customer(world, ordeal.chance, POSTS_PER_SECOND / LINES) for _ in range(LINES)]
        is_over = asyncio.Event()
        kills: list[float] = []
        async with asyncio.TaskGroup() as posting:
            for one in customers:
                posting.create_task(one.run(is_over))
            while len(kills) < ordeal.times(KILLS):
                await until_caught_up(world, customers)
                await asyncio.sleep(ordeal.chance.uniform(0.0, _LONGEST_PEACE_SECONDS))
                kills += kill_a_worker(world, ordeal)
                ordeal.tell(f"workers killed {len(kills)} times")
            is_over.set()
        await world.until_connected([one.line for one in customers])
        claims = await outgoing_claims(world, customers, kills=kills, lost_receipts=LOST_RECEIPTS_PER_KILL * len(kills))
        return [Claim(name="kill -9 of a worker", measured=len(kills)), *claims, faults_in_log(world)]


def kill_a_worker(world: World, ordeal: Ordeal) -> list[float]:
    """Kill one that lives; gives when, or nothing where none does just now."""
    victims = world.workers()
    if not victims:
        return []
    try:
        os.kill(ordeal.chance.choice(victims), signal.SIGKILL)
    except ProcessLookupError:
        return []
    return [time.time()]


TORTURE = Torture(
    name="worker-kills",
    sentence="kill -9 of workers under load; customers repeat what was not answered, under the same key",
    run=run,
)
