"""Which sessions share a worker."""

from __future__ import annotations

from collections.abc import Iterable

from sessions.protocol import SessionSpec


def pack(specs: Iterable[SessionSpec], per_worker: int) -> list[list[SessionSpec]]:
    """Fill workers with up to so many sessions each; sessions of different groups never meet."""
    by_group: dict[str, list[SessionSpec]] = {}
    for spec in specs:
        by_group.setdefault(spec.group, []).append(spec)
    return [
        members[start : start + per_worker]
        for members in by_group.values()
        for start in range(0, len(members), per_worker)
    ]
