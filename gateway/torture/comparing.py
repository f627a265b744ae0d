"""Holds a restored store against the one that it is a backup of, row by row."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sessions.keycopy import damage_in

#: What a scribe's write makes: each table with the columns that name the row.
_TABLES = {
    "contacts": "SELECT * FROM contacts WHERE phone LIKE :prefix ORDER BY id",
    "contact_aliases": (
        "SELECT a.* FROM contact_aliases a JOIN contacts c ON c.id = a.contact_id WHERE c.phone LIKE :prefix ORDER BY c.id"
    ),
    "events": (
        "SELECT e.* FROM events e JOIN contacts c ON c.id = e.subject_id "
        "WHERE e.type = 'contact.created' AND c.phone LIKE :prefix ORDER BY c.id"
    ),
}


@dataclass(frozen=True, kw_only=True)
class Difference:
    """What came back, and in what it is not the original at one moment."""

    rows: int
    changed: int  #: rows that are others than in the original, or that stand where others should
    missing: int  #: writes that were durable before the backup began
    halves: int  #: writes of which some rows came back and some did not
    damage: str  #: what SQLite says of the file


def compare(restored: Path, original: Path, *, prefix: str, at_least: int) -> Difference:
    """The restored rows must be the first so many of the original, whole writes, and all that were durable before."""
    damage = damage_in(restored) or ""
    found, wanted = _rows_of(restored, prefix), _rows_of(original, prefix)
    counts = [len(rows) for rows in found.values()]
    changed = sum(
        here != there for table, rows in found.items() for here, there in zip(rows, wanted[table], strict=False)
    )
    return Difference(
        rows=sum(counts),
        changed=changed + sum(max(0, len(rows) - len(wanted[table])) for table, rows in found.items()),
        missing=max(0, at_least - min(counts)),
        halves=max(counts) - min(counts),
        damage=damage,
    )


def _rows_of(path: Path, prefix: str) -> dict[str, list[Any]]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30.0)) as store:
        store.execute("BEGIN")
        return {table: store.execute(query, {"prefix": f"{prefix}%"}).fetchall() for table, query in _TABLES.items()}
