"""Takes up what was linked in the very moment in which the gateway died: the phone knows of it, the rows do not."""

from __future__ import annotations

import asyncio
from pathlib import Path

import structlog

from gateway.db.tx import Database
from gateway.fleet import store
from gateway.fleet.specs import Specs
from sessions.engine import Engine
from sessions.errors import StoreError
from sessions.keystore import is_paired
from sessions.protocol import SessionSpec

log = structlog.get_logger(__name__)


class Adopter:
    """Looks once, at the start, into the keys of sessions that should have none."""

    def __init__(self, *, database: Database, engine: Engine, specs: Specs) -> None:
        self._database = database
        self._engine = engine
        self._specs = specs

    async def run(self) -> int:
        """Go on with each attempt whose phone had scanned the code already; gives how many there were."""
        specs = [self._specs.of(session) for session in await self._database.read(store.all_unpaired)]
        found = await asyncio.to_thread(lambda: [spec for spec in specs if _has_keys(spec)])
        for spec in found:
            # The attempt finds a phone where it looks for one, and reports it; the rows then hear of it as ever.
            log.info("linked while the gateway died, taken up", session_id=spec.session_id)
            await self._engine.pair(spec)
        return len(found)


def _has_keys(spec: SessionSpec) -> bool:
    try:
        return is_paired(Path(spec.folder))
    except StoreError:
        log.warning("keys of an unpaired session cannot be read", session_id=spec.session_id)
        return False
