"""The table of chats."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, validates

from gateway.db.base import Base, Identified, OrgScoped, Timestamped
from gateway.db.types import UtcDateTime
from gateway.kit.words import fold_names


class Chat(Identified, OrgScoped, Timestamped, Base):
    """A WhatsApp thread on one session.

    A thread with a person is found by its contact, because WhatsApp may use either of two addresses for it; every
    other thread (``jid`` set) by its address.
    """

    __tablename__ = "chats"
    __table_args__ = (
        UniqueConstraint("session_id", "contact_id"),
        UniqueConstraint("session_id", "jid"),
        Index("ix_chats_org_id_last_message_id", "org_id", "last_message_id"),
        Index(
            "ix_chats_unread",
            "org_id",
            "last_message_id",
            sqlite_where=text("unread > 0"),
            postgresql_where=text("unread > 0"),
        ),
    )

    session_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("sessions.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(16))
    contact_id: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("contacts.id", ondelete="CASCADE"), index=True
    )
    jid: Mapped[str | None] = mapped_column(String(80))
    title: Mapped[str | None] = mapped_column(String(200))
    folded: Mapped[str] = mapped_column(
        Text, default="", server_default=text("''")
    )  #: the title, as a search compares it
    unread: Mapped[int] = mapped_column(Integer, default=0)
    last_message_id: Mapped[int | None] = mapped_column(BigInteger)
    last_message_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: who is a stranger and what is a reply is told by these, history included; what waits in the queue does not count
    last_in_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_out_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    @validates("title")
    def _fold(self, _name: str, title: str | None) -> str | None:
        self.folded = fold_names(title)
        return title
