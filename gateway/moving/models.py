"""The table of moves: which phones left this gateway, which arrived, and with which archive."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from gateway.db.base import Base, Identified, OrgScoped
from gateway.db.types import UtcDateTime


class MoveKind(StrEnum):
    OUT = "out"
    IN = "in"


class SessionMove(Identified, OrgScoped, Base):
    """One phone that left or arrived. ``generation`` counts the moves of an account, wherever they were made."""

    __tablename__ = "session_moves"
    __table_args__ = (Index("ix_session_moves_org_id_account", "org_id", "account"),)

    session_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("sessions.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(4))
    archive_id: Mapped[str] = mapped_column(String(32))
    generation: Mapped[int] = mapped_column(Integer)
    account: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
