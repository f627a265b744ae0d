"""The table of the event log."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from gateway.db.base import Base, Identified, OrgScoped, Timestamped
from gateway.db.types import JsonType, UtcDateTime


class Event(OrgScoped, Base):
    """One thing that happened. ``id`` is its position in the log, which grows in the order of commits.

    ``data`` is JSON as callers see it. Sessions and chats are named without foreign keys: what happened outlives them.
    """

    __tablename__ = "events"
    __table_args__ = (
        Index("ix_events_org_id_id", "org_id", "id"),
        Index("ix_events_org_id_session_id_id", "org_id", "session_id", "id"),
        # Positions must not be given twice, even when the newest rows were deleted.
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)
    session_id: Mapped[int | None] = mapped_column(BigInteger)
    chat_id: Mapped[int | None] = mapped_column(BigInteger)
    type: Mapped[str] = mapped_column(String(64))
    subject_type: Mapped[str] = mapped_column(String(16))
    subject_id: Mapped[int] = mapped_column(BigInteger)
    data: Mapped[dict[str, Any]] = mapped_column(JsonType)
    #: what the session's owner wants to hear again with each of its events
    labels: Mapped[dict[str, str] | None] = mapped_column("metadata", JsonType)
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class LogStart(Base):
    """Where an organization's log begins: what happened up to this position has been deleted."""

    __tablename__ = "event_log_starts"

    org_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("orgs.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger)


class EventConsumer(Base, Identified, OrgScoped, Timestamped):
    """A named reader of the log: what it wants, how far it has come, and who is at work on what follows."""

    __tablename__ = "event_consumers"
    __table_args__ = (UniqueConstraint("org_id", "name"),)

    name: Mapped[str] = mapped_column(String(64))
    #: globs; None means every type
    types: Mapped[list[str] | None] = mapped_column(JsonType)
    #: None means every session, and events that belong to none
    session_ids: Mapped[list[int] | None] = mapped_column(JsonType)
    #: everything up to here is dealt with
    position: Mapped[int] = mapped_column(BigInteger)
    #: names the worker that has the batch up to ``leased_position``, until ``leased_until``
    lease: Mapped[str | None] = mapped_column(String(64))
    lease_seconds: Mapped[int] = mapped_column(default=0)
    leased_position: Mapped[int] = mapped_column(BigInteger, default=0)
    leased_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
