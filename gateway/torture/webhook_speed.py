"""How soon a webhook hears of what happened, at speed."""

from __future__ import annotations

from collections.abc import Sequence

import aiohttp

from gateway.bench.figures import percentile
from gateway.torture.contract import Claim, Ordeal, Torture
from gateway.torture.hooks import Hook, many_talkers, seconds_at_work, talk_for
from gateway.torture.talkers import log_after, newest_position
from gateway.torture.world import World, open_world, until

EVENTS_PER_SECOND = 200.0
SECONDS = 120.0
CONTACTS = 20
_TYPES = "contact.*"


async def run(ordeal: Ordeal) -> Sequence[Claim]:
    """Have many contacts change at speed, and compare the log with what one endpoint heard."""
    async with (
        open_world(ordeal.folder, environment={"WAGATE_HTTP__REQUESTS_PER_SECOND": "100000"}) as world,
        Hook() as hook,
        aiohttp.ClientSession() as http,
    ):
        return await _measure(ordeal, world, hook, http)


async def _measure(ordeal: Ordeal, world: World, hook: Hook, http: aiohttp.ClientSession) -> Sequence[Claim]:
    talkers = await many_talkers(world, http, count=CONTACTS, per_second=EVENTS_PER_SECOND)
    await world.client.api("POST", "/webhooks", {"url": hook.url, "events": [_TYPES]})
    begin = await newest_position(world)
    seconds = max(3.0, SECONDS * ordeal.scale)
    busy = seconds_at_work(world.gateway_pid)
    await talk_for(talkers, seconds)
    expected = await log_after(world, begin, types=_TYPES)

    async def all_heard() -> bool:
        return len(hook.heard) >= len(expected)

    await until(all_heard, what="last event at the endpoint", timeout_seconds=60.0)
    busy = seconds_at_work(world.gateway_pid) - busy
    doubled = sum(times > 1 for times in hook.heard.values())
    return [
        Claim(name="events", measured=len(expected), note=f"{len(expected) / seconds:.0f} a second"),
        Claim(name="events a second", measured=round(len(expected) / seconds), at_least=EVENTS_PER_SECOND * 0.9),
        Claim(
            name="gateway's time per request, event and delivery",
            measured=round(busy / len(expected) * 1000, 2),
            unit="ms",
            note="at 200 a second it must be below 5 ms, and the processor its own",
        ),
        Claim(name="events not heard", measured=len(set(expected) - hook.heard.keys()), at_most=0),
        Claim(name="events heard twice", measured=doubled, at_most=0, note="nothing failed, so nothing is repeated"),
        Claim(name="commit to first try p50", measured=round(percentile(hook.delays, 0.5) * 1000, 1), unit="ms"),
        Claim(
            name="commit to first try p99",
            measured=round(percentile(hook.delays, 0.99) * 1000, 1),
            unit="ms",
            at_most=1000,
        ),
    ]


TORTURE = Torture(
    name="webhook-speed",
    sentence="200 events a second to one endpoint: how late it hears of them",
    run=run,
)
