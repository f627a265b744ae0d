"""The declarative base every slice's models build on."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, MetaData
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from gateway.db.types import UtcDateTime

#: Named constraints, so that Alembic can find them again on every database.
NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """All tables share one metadata; ids are plain integers here and get their prefix at the edge."""

    metadata = MetaData(naming_convention=NAMING)


class Identified:
    """A time-ordered 63-bit primary key, given by :class:`gateway.kit.ids.IdGenerator`."""

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)


class Timestamped:
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class OrgScoped:
    """Rows of a tenant. Every query on such a table names the organization."""

    org_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("orgs.id", ondelete="CASCADE"))
