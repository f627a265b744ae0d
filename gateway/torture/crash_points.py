"""Kills a process at each named moment, on the real engine: none of them loses or doubles anything.

The one exception is named as such: what the engine has given up and is not yet in the journal.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from gateway.bench.client import BenchError
from gateway.bench.receiver import Receiver
from gateway.torture.contract import Claim, Ordeal, Torture
from gateway.torture.customers import Customer
from gateway.torture.friends import Friends, arrivals_of
from gateway.torture.verdicts import outgoing_claims, until_quiet
from gateway.torture.world import Line, World, faults_in_log, open_world, until
from sessions.crash import VARIABLE, CrashPoint

ROUNDS = 10
_REACHED_SECONDS = 20.0
_QUIET_SECONDS = 3.0
_OUTGOING = (
    CrashPoint.API_COMMITTED,
    CrashPoint.OUTBOX_CLAIMED,
    CrashPoint.OUTBOX_HANDED,
    CrashPoint.OUTBOX_ANSWERED,
    CrashPoint.OUTBOX_SETTLED,
    CrashPoint.WORKER_SENDING,
    CrashPoint.WORKER_SENT,
    CrashPoint.WEBHOOK_POSTED,
)
_INCOMING = (
    CrashPoint.INTAKE_TAKEN,
    CrashPoint.INTAKE_COMMITTED,
    CrashPoint.WORKER_JOURNALLED,
    CrashPoint.WORKER_ACKNOWLEDGED,
)
_PAIRING = (CrashPoint.PAIRING_TAKEN, CrashPoint.PAIRING_COMMITTED)


@dataclass(kw_only=True)
class Run:
    """One world, and what has happened in it so far."""

    world: World
    fuses: Path
    line: Line
    customer: Customer
    friends: Friends
    kills: list[float] = field(default_factory=list)

    async def until_dead(self, point: CrashPoint, work: Callable[[], Awaitable[None]]) -> None:
        """Light the fuse, do what leads there, and wait until it has burnt down and everything is back."""
        gateway, fuse = self.world.gateway_pid, self.fuses / point.value
        fuse.touch()

        async def has_burnt() -> bool:
            return not fuse.exists()

        acting = asyncio.ensure_future(work())
        try:
            await until(has_burnt, what=f"process at {point}", timeout_seconds=_REACHED_SECONDS)
        finally:
            self.kills.append(time.time())
            await acting
        if not point.startswith("worker."):
            await self.world.until_new_gateway(gateway)
        await self.world.until_connected([self.line])


async def run(ordeal: Ordeal) -> Sequence[Claim]:
    """Every point in turn, and all again, as often as is wanted."""
    return await run_points(ordeal, tuple(CrashPoint), rounds=ordeal.times(ROUNDS))


async def run_points(ordeal: Ordeal, points: Sequence[CrashPoint], *, rounds: int) -> Sequence[Claim]:
    """These points, so many times."""
    fuses = ordeal.folder / "fuses"
    fuses.mkdir()
    async with open_world(ordeal.folder, environment={VARIABLE: str(fuses)}) as world, Receiver() as receiver:
        await world.client.api("POST", "/webhooks", {"url": receiver.url, "events": ["message.*"]})
        run = await _begin(world, fuses, ordeal)
        links = 0
        for number in range(rounds):
            for point in points:
                links += await _strike(run, point)
            ordeal.tell(f"round {number + 1}: killed {len(run.kills)} times")
        gaps = rounds * (CrashPoint.WORKER_HEARD in points)
        claims = await outgoing_claims(world, [run.customer], kills=run.kills, lost_receipts=gaps)
        claims += await _incoming_claims(run, gaps=gaps)
        claims.append(await _webhook_claim(run, receiver))
        reached = Claim(name="named moments, each reached", measured=len(points), note=f"{rounds} times")
        return [
            reached,
            *claims,
            Claim(name="phones that linked and were connected", measured=links),
            faults_in_log(world),
        ]


async def _begin(world: World, fuses: Path, ordeal: Ordeal) -> Run:
    line = await world.line()
    phone, writer = await world.phone(), await world.phone()
    customer = Customer(world=world, line=line, recipients=[phone], per_second=1.0, chance=ordeal.chance)
    friends = Friends(world=world, line=line, phones=[writer], per_second=1.0)
    run = Run(world=world, fuses=fuses, line=line, customer=customer, friends=friends)
    await customer.post_some(2)
    await friends.write_some(2)
    return run


async def _strike(run: Run, point: CrashPoint) -> int:
    """Come to the point once, and go on after it; gives how many phones were linked."""
    if point in _PAIRING:
        await _link_into(run, point)
        return 1
    await until_quiet(run.world, _QUIET_SECONDS)
    await run.until_dead(point, lambda: _talk(run, point))
    await run.customer.post_some(2)
    await run.friends.write_some(2)
    return 0


async def _talk(run: Run, point: CrashPoint) -> None:
    if point in _OUTGOING:
        await run.customer.post_some(3)
    else:
        await run.friends.write_some(3)


async def _link_into(run: Run, point: CrashPoint) -> None:
    """A phone scans the code, and the gateway dies of it; afterwards the session is linked all the same."""
    world, number = run.world, await run.world.phone()
    name = f"linked-{number}"
    session = await world.client.api("POST", "/sessions", {"name": name})
    await run.until_dead(point, lambda: world.client.link(name, number))
    await world.until_connected([Line(id=session["id"], name=name, number=number)])
    await world.client.api("DELETE", f"/sessions/{session['id']}")


async def _incoming_claims(run: Run, *, gaps: int) -> list[Claim]:
    found = await arrivals_of(run.world, run.friends, patience_seconds=5.0 if gaps else 30.0)
    return [
        Claim(name="messages written by phones", measured=found.written),
        Claim(name="lost", measured=len(found.lost), at_most=gaps, note=f"{gaps} kills within the gap that we admit"),
        Claim(name="kept twice", measured=found.doubled, at_most=0),
        Claim(name="out of their writer's order", measured=found.shuffled, at_most=0),
    ]


async def _webhook_claim(run: Run, receiver: Receiver) -> Claim:
    """Each accepted message has to be told of at least once."""
    missing = set(run.customer.accepted.values())

    async def is_complete() -> bool:
        while not receiver.arrivals.empty():
            missing.discard(receiver.arrivals.get_nowait()[1]["data"]["id"])
        return not missing

    with suppress(BenchError):
        await until(is_complete, what="webhook", timeout_seconds=_REACHED_SECONDS)
    return Claim(name="messages that no webhook told of", measured=len(missing), at_most=0)


TORTURE = Torture(
    name="crash-points",
    sentence="kill -9 at every named moment between accepting, sending, settling, receiving, storing and telling",
    run=run,
)
