"""What has to be set right in a store that was restored, before a gateway runs on it."""

from __future__ import annotations

import random
from dataclasses import dataclass

from gateway.admin import visiting_log
from gateway.db.database import open_database
from gateway.db.tx import Tx
from gateway.fleet.render import session_id as rendered_id
from gateway.fleet.service import Sessions
from gateway.kit.clock import SystemClock
from gateway.kit.ids import IdGenerator
from gateway.messages.outbox.queues import Queues
from sessions.status import Reason


@dataclass(frozen=True, kw_only=True)
class Settled:
    """How much was set right."""

    unlinked: int
    paused: int


class Aftermath:
    """Nothing may be sent twice, and nobody may miss an event: what came after the backup is not known here.

    - Sessions with stale keys need their phone again.
    - Queues are paused: what waits in them may have been sent since.
    - Positions in the event log jump ahead: programs remember positions that this log has never given.
    """

    def __init__(self, *, url: str) -> None:
        self._url = url
        clock = SystemClock()
        ids = IdGenerator(clock=clock, chance=random.SystemRandom())
        self._events = visiting_log(clock=clock, ids=ids)
        self._sessions = Sessions(clock=clock, ids=ids, events=self._events)
        self._queues = Queues(clock=clock)

    async def settle(self, *, was_at_rest: bool, stale: set[str]) -> Settled:
        """In one transaction. A store that nobody used during and after the backup needs none of it."""
        database = await open_database(self._url)
        try:
            return await database.write(lambda tx: self._settle(tx, was_at_rest=was_at_rest, stale=stale))
        finally:
            await database.close()

    def _settle(self, tx: Tx, *, was_at_rest: bool, stale: set[str]) -> Settled:
        unlinked = paused = 0
        if not was_at_rest or stale:
            self._events.jump_ahead(tx)
        for session in self._sessions.all(tx):
            if session.is_paired and rendered_id(session) in stale:
                self._sessions.unlinked(tx, session, Reason.RESTORED)
                unlinked += 1
            if not was_at_rest or rendered_id(session) in stale:
                paused += self._queues.pause_restored(tx, session)
        return Settled(unlinked=unlinked, paused=paused)
