"""Deletes files whose time is over."""

from __future__ import annotations

from gateway.media.keeper import MediaKeeper


class OldMedia:
    """Those that no message may keep any longer, and those that nobody has used for long."""

    name = "media"

    def __init__(self, *, keeper: MediaKeeper) -> None:
        self._keeper = keeper

    async def run_once(self) -> int:
        return await self._keeper.forget_old()
