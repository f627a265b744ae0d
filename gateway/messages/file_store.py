"""Queries on the files that messages have. Ids of files belong to one organization each."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, case, func, literal_column, select, update

from gateway.db.tx import Tx
from gateway.fleet.models import Session
from gateway.media.models import Media
from gateway.messages.models import MediaState, Message
from gateway.messages.states import MessageState

_TO_BE_SENT: Final = tuple(
    map(str, (MessageState.SCHEDULED, MessageState.QUEUED, MessageState.SENDING, MessageState.UNCERTAIN))
)
# Written out, not bound: the databases use a partial index only where the statement repeats its condition.
_PENDING: Final[ColumnElement[bool]] = Message.media_state == literal_column(f"'{MediaState.PENDING}'")


@dataclass(frozen=True, kw_only=True)
class Reference:
    """What one session's messages say of one file."""

    media_id: int
    session_id: int
    newest_at: datetime
    is_waiting: bool


@dataclass(frozen=True, kw_only=True)
class SessionUsage:
    """How much room the files of one session's messages take."""

    session_id: int
    files: int
    bytes: int


def references(tx: Tx, *, media_ids: Collection[int]) -> Sequence[Reference]:
    """Who refers to these files, by session."""
    waiting = func.max(case((Message.state.in_(_TO_BE_SENT), 1), else_=0))
    statement = (
        select(
            Message.media_id, Message.session_id, func.max(Message.created_at).label("newest"), waiting.label("waits")
        )
        .where(Message.media_id.is_not(None), Message.media_id.in_(media_ids))
        .group_by(Message.media_id, Message.session_id)
    )
    return [
        Reference(media_id=row.media_id, session_id=row.session_id, newest_at=row.newest, is_waiting=bool(row.waits))
        for row in tx.execute(statement)
    ]


def settings_of(tx: Tx, *, session_ids: Collection[int]) -> dict[int, dict[str, object]]:
    """The settings of these sessions, by their id."""
    rows = tx.execute(select(Session.id, Session.settings).where(Session.id.in_(session_ids)))
    return {row.id: row.settings for row in rows}


def let_go(tx: Tx, *, org_id: int, media_id: int, at: datetime) -> None:
    """Messages that had this file have it no longer."""
    where = (Message.media_id == media_id, Message.media_id.is_not(None), Message.org_id == org_id)
    values = {"media_id": None, "media_state": MediaState.EXPIRED, "media_error": None, "updated_at": at}
    tx.execute(update(Message).where(*where).values(values))


def usage_by_session(tx: Tx, *, org_id: int, session_ids: Collection[int] | None = None) -> Sequence[SessionUsage]:
    """Room by session. A file that two sessions have counts for both."""
    pairs = select(Message.session_id, Message.media_id).where(Message.org_id == org_id, Message.media_id.is_not(None))
    if session_ids is not None:
        pairs = pairs.where(Message.session_id.in_(session_ids))
    distinct = pairs.distinct().subquery()
    statement = (
        select(distinct.c.session_id, func.count().label("files"), func.sum(Media.size).label("bytes"))
        .join(Media, Media.id == distinct.c.media_id)
        .where(Media.org_id == org_id)
        .group_by(distinct.c.session_id)
        .order_by(distinct.c.session_id)
    )
    return [
        SessionUsage(session_id=row.session_id, files=row.files, bytes=int(row.bytes)) for row in tx.execute(statement)
    ]


def make_downloads_due(tx: Tx, *, at: datetime) -> None:
    """What a daemon that died had begun to fetch need not wait for the end of its lease."""
    tx.execute(update(Message).where(_PENDING, Message.media_next_at > at).values(media_next_at=at))
