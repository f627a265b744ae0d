"""Deletes files that were left half-way on their way in or out."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from gateway.kit.clock import Clock
from gateway.media.spool import Spool

_KEPT: Final = timedelta(days=1)


class OldSpoolFiles:
    """No upload or download takes a day, so a file that nobody has written to for so long is nobody's."""

    name = "spool"

    def __init__(self, *, spool: Spool, clock: Clock) -> None:
        self._spool = spool
        self._clock = clock

    async def run_once(self) -> int:
        return await self._spool.forget_old(before=self._clock.now() - _KEPT)
