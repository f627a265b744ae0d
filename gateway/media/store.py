"""Queries on files. Every one names the organization, but for the chore that goes through all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError

from gateway.db.tx import Tx
from gateway.media.models import Media


@dataclass(frozen=True, kw_only=True)
class Usage:
    """How much room files take."""

    files: int
    bytes: int


def find(tx: Tx, *, org_id: int, media_id: int) -> Media | None:
    """The file with this id."""
    return tx.execute(select(Media).where(Media.org_id == org_id, Media.id == media_id)).scalar_one_or_none()


def find_by_digest(tx: Tx, *, org_id: int, sha256: str) -> Media | None:
    """The file with these bytes."""
    return tx.execute(select(Media).where(Media.org_id == org_id, Media.sha256 == sha256)).scalar_one_or_none()


def add_or_find(tx: Tx, media: Media, *, renames: bool = False) -> Media:
    """Insert a file, or give the one that the organization has already; either was used just now.

    A known file without a name takes that of ``media``; with ``renames`` one that has a name does too.
    """
    known = find_by_digest(tx, org_id=media.org_id, sha256=media.sha256)
    if known is not None:
        return _again(tx, known, media, renames=renames)
    try:
        with tx.session.begin_nested():
            tx.add(media)
    except IntegrityError:
        # Another connection has just kept the same bytes.
        known = find_by_digest(tx, org_id=media.org_id, sha256=media.sha256)
        if known is None:
            raise
        return _again(tx, known, media, renames=renames)
    return media


def touch(tx: Tx, *, org_id: int, media_id: int, at: datetime) -> None:
    """Note that somebody means to use a file."""
    tx.execute(update(Media).where(Media.org_id == org_id, Media.id == media_id).values(used_at=at))


def usage(tx: Tx, *, org_id: int) -> Usage:
    """How much room the organization's files take."""
    columns: tuple[Any, ...] = (func.count().label("files"), func.coalesce(func.sum(Media.size), 0).label("total"))
    row = tx.execute(select(*columns).where(Media.org_id == org_id)).one()
    return Usage(files=row.files, bytes=int(row.total))


def list_unused(tx: Tx, *, before: datetime, after_id: int, limit: int) -> Sequence[tuple[int, int, datetime]]:
    """Id, organization and last use of files that nobody has used since a moment, of all organizations."""
    statement = (
        select(Media.id, Media.org_id, Media.used_at)
        .where(Media.used_at < before, Media.id > after_id)
        .order_by(Media.id)
        .limit(limit)
    )
    return [(row.id, row.org_id, row.used_at) for row in tx.execute(statement)]


def remove(tx: Tx, *, org_id: int, media_id: int) -> None:
    """Forget a file."""
    tx.execute(delete(Media).where(Media.org_id == org_id, Media.id == media_id))


def _again(tx: Tx, known: Media, newest: Media, *, renames: bool) -> Media:
    known.used_at = newest.used_at
    if newest.filename is not None and (renames or known.filename is None):
        known.filename = newest.filename
    tx.session.flush()
    return known
