"""Ends the life of files: those that were kept for long enough, that nothing refers to, or that somebody deletes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Final, Protocol

from gateway.db.tx import Database, Tx
from gateway.kit.clock import Clock
from gateway.media import store
from gateway.media.errors import MediaInUseError, MediaNotFoundError
from gateway.media.library import MediaLibrary
from gateway.media.shelf import FileKey

#: Small bites, so that nobody waits long for the writer.
BITE: Final = 200
#: Whoever has just named a file is about to refer to it.
_GRACE: Final = timedelta(days=1)


class Holder(Protocol):
    """A part whose rows refer to files."""

    def holds(self, tx: Tx, *, media_ids: Collection[int], at: datetime) -> Mapping[int, bool]:
        """Of these files those that rows refer to: True where the file must stay, False where its time is over."""

    def is_waiting(self, tx: Tx, *, media_id: int) -> bool:
        """Whether the file is still to be sent."""

    def let_go(self, tx: Tx, *, org_id: int, media_id: int, at: datetime) -> None:
        """Refer to it no longer."""


class MediaKeeper:
    """Asks everybody who may refer to a file before it goes. Every part that stores ids of files must be registered."""

    def __init__(self, *, database: Database, clock: Clock, library: MediaLibrary) -> None:
        self._database = database
        self._clock = clock
        self._library = library
        self._holders: list[Holder] = []

    def register(self, holder: Holder) -> None:
        """Ask this part, too."""
        self._holders.append(holder)

    async def forget_old(self) -> int:
        """Delete the files whose time is over; give how many went."""
        gone, after = 0, 0
        while True:
            bite, due = await self._database.read(partial(self._look, after=after, now=self._clock.now()))
            for media_id, org_id in due:
                gone += await self._end(org_id, media_id, is_asked=False)
            if len(bite) < BITE:
                return gone
            after = bite[-1]

    async def delete(self, *, org_id: int, media_id: int) -> None:
        """Delete a file because somebody says so; raises MediaNotFoundError or MediaInUseError."""
        if not await self._end(org_id, media_id, is_asked=True):
            raise MediaNotFoundError

    def _look(self, tx: Tx, after: int, now: datetime) -> tuple[list[int], list[tuple[int, int]]]:
        rows = store.list_unused(tx, before=now - _GRACE, after_id=after, limit=BITE)
        over = self._over(tx, {media_id: used_at for media_id, _, used_at in rows}, now)
        return [row[0] for row in rows], [(media_id, org_id) for media_id, org_id, _ in rows if media_id in over]

    def _over(self, tx: Tx, used: Mapping[int, datetime], now: datetime) -> set[int]:
        """The files whose time is over, of those last used at these moments."""
        verdicts: dict[int, bool] = {}
        for holder in self._holders:
            for media_id, stays in holder.holds(tx, media_ids=list(used), at=now).items():
                verdicts[media_id] = stays or verdicts.get(media_id, False)
        unused_days = self._library.limits.unused_days
        forgotten = now - timedelta(days=unused_days)
        return {
            media_id
            for media_id, used_at in used.items()
            if (not verdicts[media_id] if media_id in verdicts else unused_days > 0 and used_at < forgotten)
        }

    async def _end(self, org_id: int, media_id: int, *, is_asked: bool) -> int:
        key = await self._database.read(lambda tx: _key(tx, org_id, media_id))
        if key is None:
            return 0
        # Nobody may put the same bytes between the end of the row and the end of the file.
        async with self._library.turns.turn(key):
            if not await self._database.write(lambda tx: self._remove(tx, org_id, media_id, is_asked)):
                return 0
            await self._library.shelf.delete(key)
        return 1

    def _remove(self, tx: Tx, org_id: int, media_id: int, is_asked: bool) -> bool:
        """Look once more, now that nobody else can write."""
        media, now = store.find(tx, org_id=org_id, media_id=media_id), self._clock.now()
        if media is None:
            return False
        if is_asked and any(holder.is_waiting(tx, media_id=media_id) for holder in self._holders):
            raise MediaInUseError
        if not is_asked and (media.used_at >= now - _GRACE or not self._over(tx, {media_id: media.used_at}, now)):
            return False
        for holder in self._holders:
            holder.let_go(tx, org_id=org_id, media_id=media_id, at=now)
        store.remove(tx, org_id=org_id, media_id=media_id)
        return True


def _key(tx: Tx, org_id: int, media_id: int) -> FileKey | None:
    media = store.find(tx, org_id=org_id, media_id=media_id)
    return None if media is None else FileKey(org_id=org_id, sha256=media.sha256)
