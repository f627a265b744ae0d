"""Waits for a consumer's next events, so that workers need not ask again and again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from functools import partial
from typing import Final

from gateway.db.tx import Database
from gateway.events.consumers import Batch, Consumers, Glance
from gateway.events.hub import EventHub
from gateway.events.interest import Interest
from gateway.events.told import Told
from gateway.principal import Principal

#: How soon it is noticed that a lease is over, that the worker has hung up, or that the server stops.
LOOK_EVERY_SECONDS: Final = 0.5


class PullDesk:
    """Looks without writing; only who has something to take writes."""

    def __init__(
        self,
        *,
        database: Database,
        consumers: Consumers,
        hub: EventHub,
        look_every_seconds: float = LOOK_EVERY_SECONDS,
    ) -> None:
        self._database = database
        self._consumers = consumers
        self._hub = hub
        self._look_every_seconds = look_every_seconds
        self._bells: dict[int, asyncio.Event] = {}

    async def pull(
        self,
        principal: Principal,
        name: str,
        *,
        limit: int,
        lease_seconds: int,
        wait_seconds: float,
        is_wanted: Callable[[], bool],
    ) -> Batch:
        """The next events; what is there at the end of the wait, or of being wanted, when there are none."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + wait_seconds
        take = partial(self._consumers.pull, name=name, limit=limit, lease_seconds=lease_seconds)
        while True:
            glance = await self._database.read(lambda tx: self._consumers.glance(tx, principal, name))
            if is_wanted() and (glance.is_stale or (glance.has_news and not glance.is_busy)):
                batch = await self._database.write(lambda tx: take(tx, principal))
                if batch.events:
                    return batch
            if loop.time() >= ends or not is_wanted():
                return Batch()
            await self._wait(glance, ends, is_wanted)

    def ring(self, consumer_id: int) -> None:
        """A lease has ended: others may take what follows."""
        bell = self._bells.pop(consumer_id, None)
        if bell is not None:
            bell.set()

    async def _wait(self, glance: Glance, ends: float, is_wanted: Callable[[], bool]) -> None:
        loop = asyncio.get_running_loop()
        bell = self._bells.setdefault(glance.consumer_id, asyncio.Event())
        coming = bell.wait() if glance.is_busy else self._first(glance.interest, glance.position)
        waiting = asyncio.ensure_future(coming)
        try:
            while is_wanted() and (left := ends - loop.time()) > 0:
                await asyncio.wait({waiting}, timeout=min(left, self._look_every_seconds))
                if waiting.done():
                    waiting.result()
                    return
                if glance.is_busy:
                    return  # the lease may be over by now, or was given back at another host
        finally:
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)

    async def _first(self, interest: Interest, after: int) -> None:
        async with aclosing(self._hub.listen(interest, after=after)) as heard:
            async for handful in heard:
                if any(isinstance(one, Told) for one in handful):
                    return
