"""Many sessions at once: a cold start of them all, their memory, and how fast a killed worker comes back."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time

from gateway.bench.bare import process_starts
from gateway.bench.client import BenchError, Client
from gateway.bench.figures import Figure, percentile
from gateway.bench.journey import linked_session
from gateway.bench.processes import proportional_mib, workers_of
from gateway.bench.receiver import Connections, Receiver
from gateway.sandbox.rig import Sandbox

FLEET_BASE = 200  #: first phone index of the fleet, clear of the other measurements'


async def cold_start(sandbox: Sandbox, client: Client, *, count: int) -> list[Figure]:
    """Link ``count`` phones, stop the gateway, start it again on the same data: until every session is connected."""
    async with Receiver() as receiver:
        connections = Connections(receiver)
        await connections.subscribe(client)
        names = [await linked_session(client, FLEET_BASE + index) for index in range(count)]
        await connections.until(names)
        old = sandbox.rig.pids["gateway"]
        os.kill(old, signal.SIGTERM)
        begun = await _new_gateway(sandbox, old)
        seconds = await connections.until(names, timeout_seconds=120) - begun
    sizes = [proportional_mib(pid) for pid in workers_of(sandbox.rig.pids["gateway"])]
    if len(sizes) != count:
        raise BenchError(f"{count} sessions run in {len(sizes)} processes")
    bare = await process_starts(count, at_once=os.cpu_count() or 1)
    return [
        Figure(
            name=f"{count} sessions in {count} processes, cold",
            value=seconds,
            unit="s",
            target=15.0,
            bare=bare,
            bare_name=f"{count} empty Python processes",
        ),
        Figure(
            name="memory of a session's process, worst",
            value=max(sizes),
            unit="MiB",
            target=45.0,
            note=f"proportional set size; mean {sum(sizes) / len(sizes):.1f} MiB",
        ),
    ]


async def _new_gateway(sandbox: Sandbox, old: int) -> float:
    while sandbox.rig.pids["gateway"] == old:
        await asyncio.sleep(0.005)
    return time.perf_counter()


async def recovery(sandbox: Sandbox, client: Client, *, kills: int) -> list[Figure]:
    """``kill -9`` a session's process, again and again: until the session is connected in a new one."""
    chance = random.Random(7)
    samples = []
    async with Receiver() as receiver:
        connections = Connections(receiver)
        await connections.subscribe(client)
        await connections.until([await linked_session(client, FLEET_BASE + 90 + index) for index in range(2)])
        for _ in range(kills):
            victims = workers_of(sandbox.rig.pids["gateway"])
            begun = time.perf_counter()
            os.kill(chance.choice(victims), signal.SIGKILL)
            samples.append(await connections.until_any() - begun)
    bare = await process_starts(1, at_once=1)
    return [
        Figure(
            name="killed worker back and connected p95",
            value=percentile(samples, 0.95),
            unit="s",
            target=5.0,
            bare=bare,
            bare_name="start of one empty Python process",
            note=f"{kills} kills, p50 {percentile(samples, 0.5):.2f} s, max {max(samples):.2f} s",
        )
    ]
