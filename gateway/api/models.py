"""The table of remembered answers."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from gateway.db.base import Base, OrgScoped
from gateway.db.types import UtcDateTime


class RememberedAnswer(OrgScoped, Base):
    """The answer to one call, kept under the caller's Idempotency-Key so that a repeat gets the same one.

    ``slot`` is the SHA-256 of organization, caller, operation and key: the key itself is never stored.
    """

    __tablename__ = "idempotency_keys"

    slot: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    operation: Mapped[str] = mapped_column(String(80))
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary(32))
    status: Mapped[int]
    body: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
