"""What has been sent, as far as caps and rates count it."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import BigInteger, Date, ForeignKey, Index, Integer
from sqlalchemy.orm import Mapped, mapped_column

from gateway.db.base import Base, Identified, OrgScoped
from gateway.db.types import UtcDateTime


class PaceDay(OrgScoped, Base):
    """How many messages one session sent on one day of its own time zone, by what they were."""

    __tablename__ = "pace_days"

    session_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    replies: Mapped[int] = mapped_column(Integer, default=0)
    awaited: Mapped[int] = mapped_column(Integer, default=0)
    plain: Mapped[int] = mapped_column(Integer, default=0)
    marketing: Mapped[int] = mapped_column(Integer, default=0)
    first_contacts: Mapped[int] = mapped_column(Integer, default=0)  #: counted above as well

    @property
    def unasked(self) -> int:
        """Everything but replies."""
        return self.awaited + self.plain + self.marketing


class PaceClock(OrgScoped, Base):
    """How far a session's rates are used up: the moment at which each bucket is full again."""

    __tablename__ = "pace_clocks"

    session_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    full_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    marketing_full_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class MarketingSend(Identified, OrgScoped, Base):
    """One marketing message to one person, whichever session it went through. Kept for a month."""

    __tablename__ = "marketing_sends"
    __table_args__ = (Index("ix_marketing_sends_contact_id_at", "contact_id", "at"),)

    contact_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("contacts.id", ondelete="CASCADE"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
