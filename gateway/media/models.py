"""The table of files."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Index, Integer, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from gateway.db.base import Base, Identified, OrgScoped
from gateway.db.types import UtcDateTime


class Media(Identified, OrgScoped, Base):
    """One file of an organization, named by its content: the same bytes are kept once."""

    __tablename__ = "media"
    __table_args__ = (
        UniqueConstraint("org_id", "sha256"),
        Index("ix_media_org_id_id", "org_id", "id"),
        Index("ix_media_org_id_size", "org_id", "size"),
    )

    sha256: Mapped[str] = mapped_column(String(64))
    size: Mapped[int] = mapped_column(BigInteger)
    mimetype: Mapped[str] = mapped_column(String(120))
    filename: Mapped[str | None] = mapped_column(String(255))
    width: Mapped[int | None] = mapped_column(Integer)
    height: Mapped[int | None] = mapped_column(Integer)
    seconds: Mapped[int | None] = mapped_column(Integer)
    thumbnail: Mapped[bytes | None] = mapped_column(LargeBinary)  #: JPEG
    waveform: Mapped[bytes | None] = mapped_column(LargeBinary)  #: 64 samples of 0..100
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: when somebody last brought it or asked for it to be sent
    used_at: Mapped[datetime] = mapped_column(UtcDateTime)
