"""The table of calls."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, Boolean, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from gateway.db.base import Base, Identified, OrgScoped, Timestamped
from gateway.db.types import UtcDateTime

WA_ID_LIMIT = 80
_RINGS = text("state = 'ringing'")


class CallState(StrEnum):
    RINGING = "ringing"
    ACCEPTED = "accepted"  #: on the phone; WhatsApp tells other devices nothing of it after that
    REJECTED = "rejected"
    MISSED = "missed"  #: or for so long nothing was heard of it that nobody can have answered
    ENDED = "ended"  #: after somebody had accepted it


class PhoneCall(Identified, OrgScoped, Timestamped, Base):
    """One call to a linked account."""

    __tablename__ = "calls"
    __table_args__ = (
        UniqueConstraint("session_id", "wa_id"),
        Index("ix_calls_org_id_session_id_id", "org_id", "session_id", "id"),
        Index("ix_calls_ringing", "created_at", sqlite_where=_RINGS, postgresql_where=_RINGS),
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
