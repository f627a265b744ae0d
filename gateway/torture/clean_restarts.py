"""Stops and starts the gateway, as upgrades do, while phones write at speed: nothing is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from gateway.torture.contract import Claim, Ordeal, Torture
from gateway.torture.inbound_kills import friends_of_a_line, inbound_claims
from gateway.torture.world import faults_in_log, open_world

RESTARTS = 100
MESSAGES_PER_SECOND = 500.0
LINES = 4
_LONGEST_PEACE_SECONDS = 2.0


async def run(ordeal: Ordeal) -> Sequence[Claim]:
    """Restart it at random moments; what is written meanwhile waits at WhatsApp."""
    async with open_world(ordeal.folder) as world:
        friends = [await friends_of_a_line(world, MESSAGES_PER_SECOND / LINES) for _ in range(LINES)]
        is_over, begun = asyncio.Event(), asyncio.get_running_loop().time()
        restarts = ordeal.times(RESTARTS)
        async with asyncio.TaskGroup() as writing:
            for one in friends:
                writing.create_task(one.run(is_over))
            for number in range(restarts):
                await asyncio.sleep(ordeal.chance.uniform(0.0, _LONGEST_PEACE_SECONDS))
                await world.until_new_gateway(await world.stop_gateway())
                ordeal.tell(f"gateway restarted {number + 1} times")
            is_over.set()
        seconds = asyncio.get_running_loop().time() - begun
        await world.until_connected([one.line for one in friends])
        claims = await inbound_claims(world, friends, seconds=seconds, interruptions=restarts, allowed=0.0)
        return [Claim(name="stops and starts", measured=restarts), *claims, faults_in_log(world)]


TORTURE = Torture(
    name="clean-restarts",
    sentence="stop and start the gateway while phones write as fast as this machine lets them",
    run=run,
)
