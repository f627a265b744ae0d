"""Kills workers while phones write to them: what an engine acknowledged and could not note down is lost, and counted."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from gateway.torture.contract import Claim, Ordeal, Torture
from gateway.torture.friends import Friends, arrivals_of
from gateway.torture.worker_kills import kill_a_worker
from gateway.torture.world import World, faults_in_log, open_world

KILLS = 200
MESSAGES_PER_SECOND = 200.0
LINES = 2
PHONES_PER_LINE = 4
LOST_PER_KILL = 0.2
_LONGEST_PEACE_SECONDS = 2.0


async def run(ordeal: Ordeal) -> Sequence[Claim]:
    """Kill one or the other at random moments, and count what is missing at the end."""
    async with open_world(ordeal.folder) as world:
        friends = [await friends_of_a_line(world, MESSAGES_PER_SECOND / LINES) for _ in range(LINES)]
        is_over, begun = asyncio.Event(), asyncio.get_running_loop().time()
        kills: list[float] = []
        async with asyncio.TaskGroup() as writing:
            for one in friends:
                writing.create_task(one.run(is_over))
            while len(kills) < ordeal.times(KILLS):
                await asyncio.sleep(ordeal.chance.uniform(0.0, _LONGEST_PEACE_SECONDS))
                await world.until_connected([one.line for one in friends])
                kills += kill_a_worker(world, ordeal)
                ordeal.tell(f"workers killed {len(kills)} times")
            is_over.set()
        seconds = asyncio.get_running_loop().time() - begun
        await world.until_connected([one.line for one in friends])
        claims = await inbound_claims(world, friends, seconds=seconds, interruptions=len(kills), allowed=LOST_PER_KILL)
        return [Claim(name="kill -9 of a worker", measured=len(kills)), *claims, faults_in_log(world)]


async def friends_of_a_line(world: World, per_second: float) -> Friends:
    """A line of its own, and phones that write to it."""
    line = await world.line()
    phones = [await world.phone() for _ in range(PHONES_PER_LINE)]
    return Friends(world=world, line=line, phones=phones, per_second=per_second)


async def inbound_claims(
    world: World, friends: Sequence[Friends], *, seconds: float, interruptions: int, allowed: float
) -> list[Claim]:
    """The promises about what arrives; ``allowed`` is how much each interruption may cost on average."""
    found = [await arrivals_of(world, one) for one in friends]
    written = sum(one.written for one in found)
    lost = [text for one in found for text in one.lost]
    return [
        Claim(name="messages written by phones", measured=written, note=f"{written / seconds:.0f} a second"),
        Claim(name="lost in all", measured=len(lost), note=f"the first: {lost[0]}" if lost else ""),
        Claim(name="lost each time, on average", measured=len(lost) / interruptions, at_most=allowed),
        Claim(name="kept twice", measured=sum(one.doubled for one in found), at_most=0),
        # What a worker has in its hands when it ends comes again, behind what was taken in after it.
        Claim(
            name="came again, behind what followed them",
            measured=sum(one.shuffled for one in found),
            at_most=interruptions * len(found),
        ),
    ]


TORTURE = Torture(
    name="inbound-kills",
    sentence="kill -9 of workers while phones write: what was acknowledged a moment before it could be noted",
    run=run,
)
