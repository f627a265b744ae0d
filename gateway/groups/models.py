"""The tables of groups and of their members."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from gateway.db.base import Base, OrgScoped, Timestamped
from gateway.db.types import UtcDateTime


class Group(OrgScoped, Timestamped, Base):
    """What a group chat is beyond a thread. It stays when the account has left, so that its messages keep a name."""

    __tablename__ = "groups"
    __table_args__ = (
        Index("ix_groups_org_id_chat_id", "org_id", "chat_id"),
        Index("ix_groups_session_id_jid", "session_id", "jid", unique=True),
    )

    chat_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("chats.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    session_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("sessions.id", ondelete="CASCADE"))
    jid: Mapped[str] = mapped_column(String(80))
    subject: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(Text)
    owner_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("contacts.id", ondelete="SET NULL"))
    made_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  #: on WhatsApp, give or take a minute
    announce: Mapped[bool] = mapped_column()
    locked: Mapped[bool] = mapped_column()
    ephemeral_seconds: Mapped[int] = mapped_column(Integer)
    is_community: Mapped[bool] = mapped_column()
    is_announcements: Mapped[bool] = mapped_column()
    community_jid: Mapped[str | None] = mapped_column(String(80))
    size: Mapped[int] = mapped_column(Integer)
    is_member: Mapped[bool] = mapped_column()  #: whether the account is in it now
    left_reason: Mapped[str | None] = mapped_column(String(16))


class GroupMember(OrgScoped, Base):
    """One person in one group; empty for groups that the account has left."""

    __tablename__ = "group_members"

    chat_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("groups.chat_id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    contact_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("contacts.id", ondelete="CASCADE"), primary_key=True, autoincrement=False, index=True
    )
    role: Mapped[str] = mapped_column(String(16))
    since: Mapped[datetime] = mapped_column(UtcDateTime)
