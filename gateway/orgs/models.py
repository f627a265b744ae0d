"""The tenant that every other row belongs to."""

from __future__ import annotations

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from gateway.db.base import Base, Identified, Timestamped


class Org(Identified, Timestamped, Base):
    """One organization."""

    __tablename__ = "orgs"

    name: Mapped[str] = mapped_column(String(200))
