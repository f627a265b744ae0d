"""The tables of schedules and of what came of each of their times."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Boolean, ForeignKey, Index, Integer, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from gateway.db.base import Base, Identified, OrgScoped, Timestamped
from gateway.db.types import JsonType, UtcDateTime


class RuleKind(StrEnum):
    RRULE = "rrule"
    CRON = "cron"


class Misfire(StrEnum):
    """What becomes of times that passed while nobody could fire them."""

    SKIP = "skip"
    LATEST = "latest"  #: one message for all of them
    ALL = "all"


class ScheduleState(StrEnum):
    ACTIVE = "active"
    PAUSED = "paused"
    ENDED = "ended"


class EndReason(StrEnum):
    """Why a schedule ended."""

    FINISHED = "finished"  #: its rule, its count or its end is over
    SESSION_DELETED = "session_deleted"
    DELETED = "deleted"


class RunOutcome(StrEnum):
    QUEUED = "queued"
    MISSED = "missed"


class Schedule(Identified, OrgScoped, Timestamped, Base):
    """A message that is sent again and again. ``next_at`` is the due row: the one time that has not been dealt with."""

    __tablename__ = "schedules"
    __table_args__ = (
        Index(
            "ix_schedules_due",
            "next_at",
            "session_id",
            sqlite_where=text("state = 'active'"),
            postgresql_where=text("state = 'active'"),
        ),
        Index("ix_schedules_org_id_id", "org_id", "id"),
        Index("ix_schedules_session_id", "session_id"),
    )

    session_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("sessions.id", ondelete="CASCADE"))
    name: Mapped[str | None] = mapped_column(String(100))
    #: whom it is for, as ``to`` of POST /messages
    recipient: Mapped[str] = mapped_column(String(100))
    #: the rest of that body, without session and recipient
    template: Mapped[Any] = mapped_column(JsonType)
    expire_after_seconds: Mapped[int | None] = mapped_column(Integer)

    rule_kind: Mapped[str] = mapped_column(String(8))
    rule: Mapped[str] = mapped_column(String(500))
    time_zone: Mapped[str] = mapped_column(String(64))
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    count: Mapped[int | None] = mapped_column(Integer)
    misfire: Mapped[str] = mapped_column(String(8))
    misfire_grace_seconds: Mapped[int] = mapped_column(Integer)

    state: Mapped[str] = mapped_column(String(8))
    reason: Mapped[str | None] = mapped_column(String(24))
    next_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  #: the time that was dealt with last
    occurred: Mapped[int] = mapped_column(Integer, default=0)  #: times dealt with; what ``count`` counts
    fired: Mapped[int] = mapped_column(Integer, default=0)
    missed: Mapped[int] = mapped_column(Integer, default=0)

    api_key_id: Mapped[int | None] = mapped_column(BigInteger)
    user_id: Mapped[int | None] = mapped_column(BigInteger)


class ScheduleRun(Identified, OrgScoped, Base):
    """What came of one time: a message, or why there is none. No time can have two rows."""

    __tablename__ = "schedule_runs"
    __table_args__ = (
        UniqueConstraint("schedule_id", "due_at"),
        Index("ix_schedule_runs_schedule_id_id", "schedule_id", "id"),
    )

    schedule_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("schedules.id", ondelete="CASCADE"))
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    outcome: Mapped[str] = mapped_column(String(8))
    is_manual: Mapped[bool] = mapped_column(Boolean, default=False)
    #: how many times this row tells of; more than one only where a stretch was missed, of which ``due_at`` is the last
    times: Mapped[int] = mapped_column(Integer, default=1)
    reason: Mapped[str | None] = mapped_column(String(64))
    message_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("messages.id", ondelete="SET NULL"))
