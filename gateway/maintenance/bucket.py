"""Chores of gateways that keep files in a bucket."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, Protocol

from gateway.kit.clock import Clock
from gateway.media.turns import Turns

_COPIES_KEPT: Final = timedelta(days=1)


class Bucket(Protocol):
    """What these chores ask of :class:`gateway.media.bucket.BucketShelf`."""

    async def move_in(self, turns: Turns) -> int:
        """Bring what lies on this machine alone into the bucket."""

    async def forget_copies(self, *, before: datetime) -> int:
        """Delete copies that nobody has wanted since a moment."""


class MoveToBucket:
    """Moves files that were kept in the data folder before there was a bucket."""

    name = "bucket"

    def __init__(self, *, shelf: Bucket, turns: Turns) -> None:
        self._shelf = shelf
        self._turns = turns

    async def run_once(self) -> int:
        return await self._shelf.move_in(self._turns)


class OldCopies:
    """Nothing takes a day to send, so what nobody wanted for so long can be had from the bucket again."""

    name = "copies"

    def __init__(self, *, shelf: Bucket, clock: Clock) -> None:
        self._shelf = shelf
        self._clock = clock

    async def run_once(self) -> int:
        return await self._shelf.forget_copies(before=self._clock.now() - _COPIES_KEPT)
