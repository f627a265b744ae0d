"""Queries on files. Every one names the organization."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from gateway.db.tx import Tx
from gateway.media.models import Media


def find(tx: Tx, *, org_id: int, media_id: int) -> Media | None:
    """The file with this id."""
    return tx.execute(select(Media).where(Media.org_id == org_id, Media.id == media_id)).scalar_one_or_none()


def find_by_digest(tx: Tx, *, org_id: int, sha256: str) -> Media | None:
    """The file with these bytes."""
    return tx.execute(select(Media).where(Media.org_id == org_id, Media.sha256 == sha256)).scalar_one_or_none()


def remove(tx: Tx, media: Media) -> None:
    """Forget a file; the bytes are another matter."""
    tx.session.delete(media)
    tx.session.flush()


def add_or_find(tx: Tx, media: Media) -> Media:
    """Insert a file, or give the one that the organization has already."""
    known = find_by_digest(tx, org_id=media.org_id, sha256=media.sha256)
    if known is not None:
        return known
    try:
        with tx.session.begin_nested():
            tx.add(media)
    except IntegrityError:
        # Another connection has just kept the same bytes.
        known = find_by_digest(tx, org_id=media.org_id, sha256=media.sha256)
        if known is None:
            raise
        return known
    return media
