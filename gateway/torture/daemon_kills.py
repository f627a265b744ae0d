"""Kills the daemon while customers post: nothing accepted is lost, nothing doubled, and little is ever in doubt."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence

from gateway.torture.contract import Claim, Ordeal, Torture
from gateway.torture.customers import Customer
from gateway.torture.verdicts import outgoing_claims, until_caught_up
from gateway.torture.world import Line, World, faults_in_log, open_world

KILLS = 200
#: As many as two busy cores send on without falling behind, beside those who post and the loopback WhatsApp.
POSTS_PER_SECOND = 20.0
LINES = 2
PHONES_PER_LINE = 4
_LONGEST_PEACE_SECONDS = 3.0


async def run(ordeal: Ordeal) -> Sequence[Claim]:
    """Kill it at random moments, each time once the last one's successor answers."""
    async with open_world(ordeal.folder) as world:
        customers = [await customer(world, ordeal.chance, POSTS_PER_SECOND / LINES) for _ in range(LINES)]
        is_over = asyncio.Event()
        kills: list[float] = []
        async with asyncio.TaskGroup() as posting:
            for one in customers:
                posting.create_task(one.run(is_over))
            for number in range(ordeal.times(KILLS)):
                await until_caught_up(world, customers)
                await asyncio.sleep(ordeal.chance.uniform(0.0, _LONGEST_PEACE_SECONDS))
                kills.append(time.time())
                await world.until_new_gateway(await world.kill_gateway())
                ordeal.tell(f"daemon killed {number + 1} times")
            is_over.set()
        await world.until_connected([one.line for one in customers])
        claims = await outgoing_claims(world, customers, kills=kills)
        return [Claim(name="kill -9 of the daemon", measured=len(kills)), *claims, faults_in_log(world)]


async def customer(world: World, chance: random.Random, per_second: float) -> Customer:
    """A customer with a line of its own, and phones that have heard from it before."""
    line: Line = await world.line()
    phones = [await world.phone() for _ in range(PHONES_PER_LINE)]
    return Customer(world=world, line=line, recipients=phones, per_second=per_second, chance=chance)


TORTURE = Torture(
    name="daemon-kills",
    sentence="kill -9 of the daemon under load; customers repeat what was not answered, under the same key",
    run=run,
)
