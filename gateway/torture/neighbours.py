"""Brings one of many sessions down every second, by every hazard that is known; the others must not notice."""

from __future__ import annotations

import asyncio
import os
import signal
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence

from gateway.torture.contract import Claim, Ordeal, Torture
from gateway.torture.crowd import (
    away_times,
    changes_of_status,
    holders,
    link_many,
    percentile,
    sending_times,
)
from gateway.torture.customers import Customer
from gateway.torture.friends import Friends, arrivals_of
from gateway.torture.verdicts import outgoing_claims
from gateway.torture.world import Line, World, open_world

SESSIONS = 100
ROUNDS = 5
ROUND_SECONDS = 60.0
_SENDERS = 5
_POSTS_PER_SECOND = 2.0  # of each sender
_INBOUND_PER_SECOND = 2.0  # to each sender's line
_SHORTEST_ROUND_SECONDS = 6.0
_FEWEST_SESSIONS = 8
#: The library does not know this kind of receipt: it stops delivering events and says nothing.
_UNREADABLE = {
    "tag": "receipt",
    "attrs": {"from": "15550001111@s.whatsapp.net", "id": "3EB0AAAA", "type": "server-error", "t": "1700000000"},
}

Hazard = Callable[[World, Line], Awaitable[None]]


async def run(ordeal: Ordeal) -> Sequence[Claim]:
    """Quiet rounds and rounds with a crash every second take turns, so that the machine's own moods cancel out."""
    round_seconds = max(_SHORTEST_ROUND_SECONDS, ROUND_SECONDS * ordeal.scale)
    async with open_world(ordeal.folder) as world:
        lines = await link_many(world, max(_FEWEST_SESSIONS, ordeal.times(SESSIONS)))
        ordeal.tell(f"{len(lines)} sessions are linked")
        well, victims = lines[:_SENDERS], lines[_SENDERS:]
        customers = [await _customer(world, ordeal, line) for line in well]
        friends = [await _friends(world, line) for line in well]
        is_over = asyncio.Event()
        spans: dict[str, list[tuple[float, float]]] = {"quiet": [], "crashing": []}
        crashes: list[tuple[str, float]] = []
        async with asyncio.TaskGroup() as traffic:
            for customer in customers:
                traffic.create_task(customer.run(is_over))
            for friend in friends:
                traffic.create_task(friend.run(is_over))
            for number in range(ordeal.times(ROUNDS)):
                ordeal.tell(f"round {number + 1}: quiet, then a crash every second")
                spans["quiet"].append(await _rest(round_seconds))
                begun = time.time()
                crashes += await _crash_every_second(world, ordeal, victims, round_seconds)
                spans["crashing"].append((begun, time.time()))
                await asyncio.sleep(_SHORTEST_ROUND_SECONDS)
            is_over.set()
        await world.until_connected(lines, timeout_seconds=120)
        return [
            Claim(name="sessions", measured=len(lines)),
            Claim(name="crashes", measured=len(crashes)),
            *await _claims_of_victims(world, crashes),
            *await _claims_of_the_well(world, spans, friends),
            *await outgoing_claims(world, customers, kills=[]),
        ]


async def _customer(world: World, ordeal: Ordeal, line: Line) -> Customer:
    recipients = [await world.phone() for _ in range(3)]
    return Customer(world=world, line=line, recipients=recipients, per_second=_POSTS_PER_SECOND, chance=ordeal.chance)


async def _friends(world: World, line: Line) -> Friends:
    return Friends(world=world, line=line, phones=[await world.phone()], per_second=_INBOUND_PER_SECOND)


async def _rest(seconds: float) -> tuple[float, float]:
    begun = time.time()
    await asyncio.sleep(seconds)
    return begun, time.time()


async def _crash_every_second(
    world: World, ordeal: Ordeal, victims: Sequence[Line], seconds: float
) -> list[tuple[str, float]]:
    """One hazard after the other, each to somebody else; give who was struck and when."""
    struck = []
    begun = time.monotonic()
    while time.monotonic() - begun < seconds:
        victim = ordeal.chance.choice(victims)
        struck.append((victim.id, time.time()))
        await _HAZARDS[len(struck) % len(_HAZARDS)](world, victim)
        await asyncio.sleep(max(0.0, begun + len(struck) - time.monotonic()))
    return struck


def _with_signal(sign: signal.Signals) -> Hazard:
    async def strike(world: World, line: Line) -> None:
        pid = (await asyncio.to_thread(holders, world)).get(line.id)
        if pid is not None:
            os.kill(pid, sign)

    return strike


async def _deafen(world: World, line: Line) -> None:
    await world.client.control("POST", "/faults", {"kind": "stanza", "number": line.number, "stanza": _UNREADABLE})


async def _cut(world: World, line: Line) -> None:
    await world.client.control("POST", "/faults", {"kind": "drop", "number": line.number})


async def _refuse_once(world: World, line: Line) -> None:
    await world.client.control("POST", "/faults", {"kind": "failure", "number": line.number, "reason": 418, "count": 1})


_HAZARDS: tuple[Hazard, ...] = (
    _with_signal(signal.SIGKILL),
    _with_signal(signal.SIGABRT),
    _deafen,
    _with_signal(signal.SIGSEGV),
    _cut,
    _refuse_once,
)


async def _claims_of_victims(world: World, crashes: Sequence[tuple[str, float]]) -> list[Claim]:
    """Who is struck again while away counts once more."""
    times = away_times(await changes_of_status(world), crashes)
    return [
        Claim(name="back after a crash, p50", measured=percentile(times, 0.5), unit="s"),
        Claim(name="back after a crash, p95", measured=percentile(times, 0.95), unit="s", at_most=5.0),
    ]


async def _claims_of_the_well(
    world: World, spans: dict[str, list[tuple[float, float]]], friends: Sequence[Friends]
) -> list[Claim]:
    p99 = {
        kind: statistics.median([percentile(await sending_times(world, *span), 0.99) for span in of_kind])
        for kind, of_kind in spans.items()
    }
    arrivals = [await arrivals_of(world, one) for one in friends]
    return [
        Claim(name="others' sends, p99 while quiet", measured=p99["quiet"] * 1000, unit="ms"),
        Claim(
            name="others' sends, p99 while one crashes every second",
            measured=p99["crashing"] * 1000,
            unit="ms",
            at_most=p99["quiet"] * 1100,
            note="medians of the rounds; a start costs a core some tenths of a second, which a busy machine feels",
        ),
        Claim(name="others' incoming messages", measured=sum(one.written for one in arrivals)),
        Claim(name="others' incoming, lost", measured=sum(len(one.lost) for one in arrivals), at_most=0),
        Claim(name="others' incoming, doubled", measured=sum(one.doubled for one in arrivals), at_most=0),
    ]


TORTURE = Torture(
    name="neighbours",
    sentence="one of many sessions crashes every second, by every known hazard; the others must not notice",
    run=run,
)
