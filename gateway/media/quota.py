"""Holds an organization to the room that all its files together may take."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.db.tx import Database
from gateway.media import store
from gateway.media.errors import MediaQuotaExceededError
from gateway.media.shelf import FileKey


class Quota:
    """Counts what is kept, and what is just about to be: many uploads at once cannot slip past it together."""

    def __init__(self, *, database: Database, quota_bytes: int) -> None:
        self._database = database
        self._quota_bytes = quota_bytes
        self._promised: Counter[int] = Counter()

    @asynccontextmanager
    async def room_for(self, key: FileKey, size: int) -> AsyncIterator[None]:
        """Keep room while the block stores the file; raises MediaQuotaExceededError. Bytes that are kept already need none."""
        if not self._quota_bytes:
            yield
            return
        self._promised[key.org_id] += size
        try:
            used, is_known = await self._database.read(
                lambda tx: (
                    store.usage(tx, org_id=key.org_id).bytes,
                    store.find_by_digest(tx, org_id=key.org_id, sha256=key.sha256) is not None,
                )
            )
            if not is_known and used + self._promised[key.org_id] > self._quota_bytes:
                raise MediaQuotaExceededError(f"All files together may have {self._quota_bytes} bytes; delete some.")
            yield
        finally:
            self._promised[key.org_id] -= size
