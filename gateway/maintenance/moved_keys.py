"""Deletes the keys of phones that moved to another gateway a while ago."""

from __future__ import annotations

import asyncio
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from gateway.kit.clock import Clock

#: WhatsApp forgets a linked device that was away for so long, so that the keys open nothing any more.
_KEPT: Final = timedelta(days=30)


class OldMovedKeys:
    """They are kept in case an archive gets lost on its way."""

    name = "moved keys"

    def __init__(self, *, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock

    async def run_once(self) -> int:
        return await asyncio.to_thread(self._delete_old, self._clock.now() - _KEPT)

    def _delete_old(self, before: datetime) -> int:
        # Renaming a folder changes its time of change: the moment in which it was put aside.
        old = [path for path in self._folder.glob("*") if datetime.fromtimestamp(path.stat().st_ctime, UTC) < before]
        for path in old:
            shutil.rmtree(path)
        return len(old)
