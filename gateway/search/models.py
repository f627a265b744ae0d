"""The table of messages that the search has yet to learn of; the words themselves are kept as each database can."""

from __future__ import annotations

from sqlalchemy import BigInteger, Integer
from sqlalchemy.orm import Mapped, mapped_column

from gateway.db.base import Base


class SearchBacklog(Base):
    """A message was added, changed or deleted. Triggers write these rows, so no way of changing messages is missed.

    A message may stand here several times: what was changed while it was being learned is learned again.
    """

    __tablename__ = "search_backlog"

    id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=True
    )
    message_id: Mapped[int] = mapped_column(BigInteger)
