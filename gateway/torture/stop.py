"""Stops the gateway in an orderly way with many sessions at work: how long that takes, and that nothing is lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

from gateway.torture.contract import Claim, Ordeal, Torture
from gateway.torture.crowd import link_many, percentile
from gateway.torture.customers import Customer
from gateway.torture.friends import Friends, arrivals_of
from gateway.torture.verdicts import outgoing_claims
from gateway.torture.world import World, faults_in_log, open_world

SESSIONS = 100
STOPS = 20
_FEWEST_SESSIONS = 6
_AT_WORK = 3  # sessions that send and receive meanwhile
_PER_SECOND = 3.0
_LONGEST_PEACE_SECONDS = 5.0


async def run(ordeal: Ordeal) -> Sequence[Claim]:
    """SIGTERM at random moments; the sandbox starts the gateway again each time."""
    async with open_world(ordeal.folder) as world:
        lines = await link_many(world, max(_FEWEST_SESSIONS, ordeal.times(SESSIONS)))
        ordeal.tell(f"{len(lines)} sessions are linked")
        customers = [
            Customer(
                world=world,
                line=line,
                recipients=[await world.phone()],
                per_second=_PER_SECOND,
                chance=ordeal.chance,
            )
            for line in lines[:_AT_WORK]
        ]
        friends = [
            Friends(world=world, line=line, phones=[await world.phone()], per_second=_PER_SECOND)
            for line in lines[:_AT_WORK]
        ]
        is_over, stops = asyncio.Event(), list[float]()
        async with asyncio.TaskGroup() as traffic:
            for customer in customers:
                traffic.create_task(customer.run(is_over))
            for friend in friends:
                traffic.create_task(friend.run(is_over))
            for number in range(ordeal.times(STOPS)):
                await asyncio.sleep(ordeal.chance.uniform(0.0, _LONGEST_PEACE_SECONDS))
                stops.append(await _stop(world))
                ordeal.tell(f"stop {number + 1} took {stops[-1]:.1f} s")
                await world.until_connected(lines, timeout_seconds=120)
            is_over.set()
        arrivals = [await arrivals_of(world, one) for one in friends]
        return [
            Claim(name="sessions", measured=len(lines)),
            Claim(name="stops", measured=len(stops)),
            Claim(name="a stop, p50", measured=percentile(stops, 0.5), unit="s"),
            Claim(name="the longest stop", measured=max(stops), unit="s", at_most=20.0),
            Claim(name="incoming messages", measured=sum(one.written for one in arrivals)),
            Claim(name="incoming, lost", measured=sum(len(one.lost) for one in arrivals), at_most=0),
            Claim(name="incoming, doubled", measured=sum(one.doubled for one in arrivals), at_most=0),
            *await outgoing_claims(world, customers, kills=[]),
            faults_in_log(world),
        ]


async def _stop(world: World) -> float:
    """From SIGTERM to the end of the daemon and of every worker that it had."""
    workers = world.workers()
    begun = time.monotonic()
    daemon = await world.stop_gateway()
    while any(_lives(pid) for pid in (daemon, *workers)):
        await asyncio.sleep(0.02)
    took = time.monotonic() - begun
    await world.until_new_gateway(daemon)
    return took


def _lives(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("ascii", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


TORTURE = Torture(
    name="stop",
    sentence="SIGTERM with many sessions at work: how long until everything has ended, and that nothing is lost",
    run=run,
)
