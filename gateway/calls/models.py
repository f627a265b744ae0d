"""The table of calls."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, Boolean, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from gateway.db.base import Base, Identified, OrgScoped, Timestamped
from gateway.db.types import UtcDateTime

WA_ID_LIMIT = 80


class CallState(StrEnum):
    RINGING = "ringing"  #: or nothing was heard of it since
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    MISSED = "missed"
    ENDED = "ended"  #: after somebody had accepted it


class PhoneCall(Identified, OrgScoped, Timestamped, Base):
    """One call to a linked account."""

    __tablename__ = "calls"
    __table_args__ = (
        UniqueConstraint("session_id", "wa_id"),
        Index("ix_calls_org_id_session_id_id", "org_id", "session_id", "id"),
    )

    session_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("sessions.id", ondelete="CASCADE"))
    contact_id: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("contacts.id", ondelete="SET NULL"), index=True
    )
    wa_id: Mapped[str] = mapped_column(String(WA_ID_LIMIT))
    caller: Mapped[str] = mapped_column(String(80))  #: the address that WhatsApp gave
    video: Mapped[bool] = mapped_column(Boolean)
    state: Mapped[str] = mapped_column(String(16))
    offered_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
