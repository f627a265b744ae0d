"""Tables of linked phones and of the one-time links that pair them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from gateway.db.base import Base, Identified, OrgScoped, Timestamped
from gateway.db.types import JsonType, UtcDateTime
from sessions.status import SessionStatus

NAME_LIMIT = 200
PLATFORM_LIMIT = 64


def _unique_while_linked(name: str, *columns: str) -> Index:
    """Rows without a linked phone keep who it was, and may do so many times."""
    linked = text("paired_at IS NOT NULL")
    return Index(name, *columns, unique=True, sqlite_where=linked, postgresql_where=linked)


class Desired(StrEnum):
    """What the operator wants of a session."""

    RUN = "run"
    STOP = "stop"


class Session(Base, Identified, OrgScoped, Timestamped):
    """One linked WhatsApp account, run by us.

    A removed session keeps its row, since messages tell which phone they went through; its name is free again.
    """

    __tablename__ = "sessions"
    __table_args__ = (
        UniqueConstraint("org_id", "name"),
        # One phone is linked once, even when two sessions scan it at the same instant.
        _unique_while_linked("uq_sessions_linked_pn", "org_id", "pn"),
        _unique_while_linked("uq_sessions_linked_lid", "org_id", "lid"),
    )

    name: Mapped[str] = mapped_column(String(100))
    desired: Mapped[str] = mapped_column(String(8), default=Desired.RUN)
    settings: Mapped[dict[str, object]] = mapped_column(JsonType, default=dict)
    expected_phone: Mapped[str | None] = mapped_column(String(20))
    #: the way to WhatsApp with its password, sealed; the settings hold it as it may be shown
    proxy: Mapped[bytes | None] = mapped_column(LargeBinary)

    status: Mapped[str] = mapped_column(String(24), default=SessionStatus.STOPPED)
    live: Mapped[bool] = mapped_column(default=False)
    status_at: Mapped[datetime] = mapped_column(UtcDateTime)
    reason: Mapped[str | None] = mapped_column(String(40))
    until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: the last reasons, newest first: ``{"status", "reason", "at"}``
    reasons: Mapped[list[dict[str, str]]] = mapped_column(JsonType, default=list)
    connected_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    #: connected, yet without proof that frames flow: since when and why
    degraded_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    degraded_reason: Mapped[str | None] = mapped_column(String(40))

    #: what keeps WhatsApp from taking the session at all, see :mod:`gateway.fleet.restrictions`
    restriction: Mapped[str | None] = mapped_column(String(24))
    restriction_code: Mapped[int | None] = mapped_column()
    restricted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    restricted_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: WhatsApp refuses new chats (463): since when, and when one may be tried again
    timelocked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    timelocked_until: Mapped[datetime | None] = mapped_column(UtcDateTime)

    #: set while a phone is linked; who it is (or was last) stands in the columns below
    paired_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    phone: Mapped[str | None] = mapped_column(String(20))
    pn: Mapped[str | None] = mapped_column(String(64))
    lid: Mapped[str | None] = mapped_column(String(64))
    device: Mapped[int | None] = mapped_column()
    push_name: Mapped[str | None] = mapped_column(String(NAME_LIMIT))
    business_name: Mapped[str | None] = mapped_column(String(NAME_LIMIT))
    platform: Mapped[str | None] = mapped_column(String(PLATFORM_LIMIT))

    #: the device must still be unlinked at WhatsApp
    unlink_due: Mapped[bool] = mapped_column(default=False)
    #: the key folder must still be deleted
    forget_due: Mapped[bool] = mapped_column(default=False)
    removed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    @property
    def is_paired(self) -> bool:
        """Whether a phone is linked."""
        return self.paired_at is not None


class PairingLink(Base, Identified, OrgScoped):
    """A one-time page for a customer to link the phone. Only the token's hash is kept."""

    __tablename__ = "pairing_links"

    session_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("sessions.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    voided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class QuarantinedReport(Base, Identified, OrgScoped):
    """A report that could not be taken over, kept whole for a later version that can."""

    __tablename__ = "quarantined_reports"

    session_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("sessions.id", ondelete="CASCADE"), index=True)
    seq: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str] = mapped_column(String(40))
    report: Mapped[bytes] = mapped_column(LargeBinary)
    error: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
