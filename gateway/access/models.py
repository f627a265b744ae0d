"""The tables of users, sign-ins, API keys and one-time links."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from gateway.db.base import Base, Identified, OrgScoped, Timestamped
from gateway.db.types import JsonType, UtcDateTime


class Role(StrEnum):
    """What a user is in the organization."""

    OWNER = "owner"
    ADMIN = "admin"


class User(Identified, OrgScoped, Timestamped, Base):
    """A person who signs in. ``email`` is kept in lower case and unique in the installation."""

    __tablename__ = "users"
    __table_args__ = (UniqueConstraint("email"), Index("ix_users_org_id_id", "org_id", "id"))

    email: Mapped[str] = mapped_column(String(254))
    name: Mapped[str] = mapped_column(String(200))
    role: Mapped[str] = mapped_column(String(16))
    password_hash: Mapped[str] = mapped_column(String(200))
    active: Mapped[bool]
    signed_in_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class SignIn(Identified, OrgScoped, Base):
    """One browser that is signed in. The cookie's token is kept as its SHA-256 only."""

    __tablename__ = "sign_ins"
    __table_args__ = (UniqueConstraint("token_hash"),)

    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class ApiKey(Identified, OrgScoped, Base):
    """A key for programs. The key itself is kept as its SHA-256 only; ``hint`` is what people recognise it by."""

    __tablename__ = "api_keys"
    __table_args__ = (UniqueConstraint("key_hash"), Index("ix_api_keys_org_id_id", "org_id", "id"))

    user_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("users.id", ondelete="SET NULL"))
    name: Mapped[str] = mapped_column(String(100))
    hint: Mapped[str] = mapped_column(String(16))
    key_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    scopes: Mapped[list[str]] = mapped_column(JsonType)
    session_ids: Mapped[list[int] | None] = mapped_column(JsonType)  #: None means every session
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  #: written now and then, not at every request


class SetupLink(Identified, OrgScoped, Base):
    """A one-time link that lets whoever holds it become the owner, while there is none."""

    __tablename__ = "setup_links"

    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
