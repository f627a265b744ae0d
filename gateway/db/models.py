"""The one table that is the store's own: proof that something can still be kept."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Integer, update
from sqlalchemy.orm import Mapped, mapped_column

from gateway.db.base import Base
from gateway.db.tx import Tx
from gateway.db.types import UtcDateTime

_ONLY = 1


class Pulse(Base):
    """A single row that is written again and again. Reading, or an empty transaction, works on a full disk, too."""

    __tablename__ = "pulse"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(UtcDateTime)


def beat(tx: Tx, at: datetime) -> None:
    """Keep the time; raises what the store raises when it cannot keep anything."""
    changed = tx.execute(update(Pulse).where(Pulse.id == _ONLY).values(at=at))
    if not getattr(changed, "rowcount", 0):
        tx.session.add(Pulse(id=_ONLY, at=at))
        tx.session.flush()
