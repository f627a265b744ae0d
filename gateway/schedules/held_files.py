"""The files that schedules will send."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from gateway.db.tx import Tx
from gateway.kit.ids import parse_id
from gateway.schedules import store


class ScheduledFiles:
    """Holds files for schedules that have not ended, see :class:`gateway.media.keeper.Holder`."""

    def holds(self, tx: Tx, *, media_ids: Collection[int], at: datetime) -> Mapping[int, bool]:
        return dict.fromkeys(_named(tx) & set(media_ids), True)

    def is_waiting(self, tx: Tx, *, media_id: int) -> bool:
        return media_id in _named(tx)

    def let_go(self, tx: Tx, *, org_id: int, media_id: int, at: datetime) -> None:
        """Only schedules that have ended can still name it, and they send nothing."""


def _named(tx: Tx) -> set[int]:
    parts = (part for template in store.templates_with_files(tx) for part in template.values())
    return {parse_id("med", part["media_id"]) for part in parts if isinstance(part, dict) and "media_id" in part}
