"""WhatsApp is away for a while, for everybody: how soon after its return every session is connected."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from gateway.torture.contract import Claim, Ordeal, Torture
from gateway.torture.crowd import changes_of_status, link_many, percentile
from gateway.torture.world import Line, World, open_world

SESSIONS = 100
#: After two minutes every session waits as long between its attempts as it ever will: an hour changes nothing.
OUTAGE_SECONDS = 150.0
_FEWEST_SESSIONS = 4
_SHORTEST_SECONDS = 12.0


async def run(ordeal: Ordeal) -> Sequence[Claim]:
    """Cut and refuse everybody, come back, and time every session."""
    async with open_world(ordeal.folder) as world:
        lines = await link_many(world, max(_FEWEST_SESSIONS, ordeal.times(SESSIONS)))
        ordeal.tell(f"{len(lines)} sessions are linked")
        refused = await _back_after(world, ordeal, lines, "outage")
        frozen = await _back_after(world, ordeal, lines, "freeze")
        return [
            Claim(name="sessions", measured=len(lines)),
            Claim(name="back after an outage, p50", measured=percentile(refused, 0.5), unit="s"),
            Claim(name="back after an outage, p99", measured=percentile(refused, 0.99), unit="s", at_most=60.0),
            Claim(name="back after a silence, p50", measured=percentile(frozen, 0.5), unit="s"),
            Claim(name="back after a silence, p99", measured=percentile(frozen, 0.99), unit="s", at_most=60.0),
        ]


async def _back_after(world: World, ordeal: Ordeal, lines: Sequence[Line], kind: str) -> list[float]:
    """How long each session took to be connected once the fault had ended; 0 for one that never left."""
    begun = time.time()
    await world.client.control("POST", "/faults", {"kind": kind})
    await asyncio.sleep(max(_SHORTEST_SECONDS, OUTAGE_SECONDS * ordeal.scale))
    ended = time.time()
    await world.client.control("DELETE", "/faults")
    ordeal.tell(f"{kind} is over")
    await world.until_connected(list(lines), timeout_seconds=180)
    changes = [change for change in await changes_of_status(world) if change[2] >= begun]
    return [_back(changes, line.id, ended) for line in lines]


def _back(changes: Sequence[tuple[str, str, float]], session_id: str, ended: float) -> float:
    returns = [at for name, status, at in changes if name == session_id and status == "connected"]
    return max(0.0, max(returns, default=ended) - ended)


TORTURE = Torture(
    name="outage",
    sentence="WhatsApp refuses everybody for a while, then takes connections and says nothing: who is back how soon",
    run=run,
)
