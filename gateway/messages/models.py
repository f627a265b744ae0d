"""The tables of messages, and of what happened to each of them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from gateway.db.base import Base, Identified, OrgScoped, Timestamped
from gateway.db.types import JsonType, UtcDateTime


def _partial(name: str, *columns: str, where: str) -> Index:
    """An index of some rows only: it stays small, and SQLite cannot mistake it for the answer to other questions."""
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))


class Direction(StrEnum):
    IN = "in"
    OUT = "out"


class Origin(StrEnum):
    """Where a message came from."""

    API = "api"
    WHATSAPP = "whatsapp"  #: somebody wrote it to us
    PHONE = "phone"  #: typed on the linked phone
    HISTORY = "history"  #: shared by the phone after linking


class Hold(StrEnum):
    """Why a message that is scheduled or queued may not go before ``next_at``. Without a hold it may go now."""

    TIME = "time"  #: its sender asked for a later time
    GATE = "gate"  #: the gate said later; others of its chat may pass
    RETRY = "retry"  #: waits for another try; its whole chat waits with it, to keep order


class OnUncertain(StrEnum):
    """What becomes of a message that stays uncertain."""

    HOLD = "hold"
    RESEND = "resend"


class MediaState(StrEnum):
    """Where the file of an incoming message is."""

    PENDING = "pending"
    AVAILABLE = "available"
    FAILED = "failed"
    EXPIRED = "expired"  #: it was here for as long as it was to be kept


class Message(Identified, OrgScoped, Timestamped, Base):
    """One message. The queue is the rows that are ``queued``; history and log are all of them.

    ``author_id`` is the contact who wrote it, 0 for the linked account itself: with the chat and WhatsApp's id it
    tells a second delivery from a second message.
    """

    __tablename__ = "messages"
    __table_args__ = (
        UniqueConstraint("chat_id", "wa_id", "author_id"),
        _partial("ix_messages_session_id_wa_id", "session_id", "wa_id", where="wa_id IS NOT NULL"),
        _partial(
            "ix_messages_lane", "session_id", "pace_class", "priority", "id", where="state = 'queued' AND hold IS NULL"
        ),
        _partial("ix_messages_chat_queue", "chat_id", "id", where="state = 'queued' AND hold IS NULL"),
        _partial("ix_messages_chat_waiting", "org_id", "chat_id", where="state IN ('queued', 'scheduled')"),
        _partial("ix_messages_retrying", "session_id", "chat_id", where="hold = 'retry'"),
        _partial("ix_messages_held", "next_at", where="hold IS NOT NULL"),
        _partial("ix_messages_session_held", "session_id", "state", "next_at", where="hold IS NOT NULL"),
        _partial(
            "ix_messages_expiring", "expires_at", where="state IN ('queued', 'scheduled') AND expires_at IS NOT NULL"
        ),
        _partial("ix_messages_in_flight", "session_id", where="state IN ('sending', 'uncertain') AND wa_id IS NULL"),
        _partial("ix_messages_uncertain", "session_id", "uncertain_at", where="state = 'uncertain'"),
        _partial("ix_messages_media_pending", "media_next_at", where="media_state = 'pending'"),
        _partial("ix_messages_media_id", "media_id", where="media_id IS NOT NULL"),
        _partial("ix_messages_session_id_media_id", "session_id", "media_id", where="media_id IS NOT NULL"),
        _partial("ix_messages_org_id_client_ref", "org_id", "client_ref", where="client_ref IS NOT NULL"),
        _partial("ix_messages_menus", "chat_id", "id", where="type = 'menu'"),
        Index("ix_messages_org_id_id", "org_id", "id"),
        Index("ix_messages_org_id_session_id_id", "org_id", "session_id", "id"),
        Index("ix_messages_chat_id_id", "chat_id", "id"),
        Index("ix_messages_contact_id_id", "contact_id", "id"),
    )

    session_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("sessions.id", ondelete="CASCADE"))
    chat_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("chats.id", ondelete="CASCADE"))
    contact_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("contacts.id", ondelete="SET NULL"))
    author_id: Mapped[int] = mapped_column(BigInteger, default=0)
    direction: Mapped[str] = mapped_column(String(4))
    origin: Mapped[str] = mapped_column(String(16))
    purpose: Mapped[str | None] = mapped_column(String(16))
    type: Mapped[str] = mapped_column(String(16))
    body: Mapped[str] = mapped_column(Text, default="")  #: text or caption: what a search looks at
    content: Mapped[Any] = mapped_column(JsonType)  #: a sessions.content part, as msgspec writes it
    mentions: Mapped[Any] = mapped_column(JsonType, default=list)  #: WhatsApp addresses
    reply_to_id: Mapped[int | None] = mapped_column(BigInteger)
    quoted_wa_id: Mapped[str | None] = mapped_column(String(64))
    wa_id: Mapped[str | None] = mapped_column(String(64))
    forwarded: Mapped[bool] = mapped_column(Boolean, default=False)
    client_ref: Mapped[str | None] = mapped_column(String(120))
    api_key_id: Mapped[int | None] = mapped_column(BigInteger)
    user_id: Mapped[int | None] = mapped_column(BigInteger)

    state: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str | None] = mapped_column(String(64))  #: why it waits or was skipped
    error_code: Mapped[str | None] = mapped_column(String(64))
    error_detail: Mapped[str | None] = mapped_column(String(400))
    priority: Mapped[int] = mapped_column(SmallInteger, default=1)  #: 0 goes first
    #: a gateway.pacing.classes.PaceClass as last seen; the chat's history may have changed it since. None: not ours
    pace_class: Mapped[int | None] = mapped_column(SmallInteger)
    typing: Mapped[bool | None] = mapped_column(Boolean)  #: show it before; None: as the session has it
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  #: asked for by the sender
    hold: Mapped[str | None] = mapped_column(String(8))
    next_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  #: end of the hold; past it, since when it may go
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    attempts: Mapped[int] = mapped_column(SmallInteger, default=0)
    secret: Mapped[bytes | None] = mapped_column(LargeBinary)  #: 32 bytes, see sessions.content.Envelope
    on_uncertain: Mapped[str | None] = mapped_column(String(8))  #: None: as the session has it
    uncertain_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    may_be_double: Mapped[bool] = mapped_column(Boolean, default=False)  #: sent again without proof
    claimed_by: Mapped[str | None] = mapped_column(String(64))
    claimed_until: Mapped[datetime | None] = mapped_column(UtcDateTime)

    media_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("media.id", ondelete="SET NULL"))
    media_state: Mapped[str | None] = mapped_column(String(16))
    media_error: Mapped[str | None] = mapped_column(String(64))
    media_attempts: Mapped[int] = mapped_column(SmallInteger, default=0)
    media_next_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    written_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  #: WhatsApp's clock, of what arrived
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    delivered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    read_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    played_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    edited_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Queue(OrgScoped, Base):
    """What a session's queue is told to do, beside its messages. A session without such a row just sends."""

    __tablename__ = "queues"

    session_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    account: Mapped[str | None] = mapped_column(String(80))  #: the WhatsApp account that was linked last
    paused_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    pause_reason: Mapped[str | None] = mapped_column(String(24))
    stalled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  #: everybody was told that it does not move


class MessageReceipt(OrgScoped, Base):
    """One participant has, read or played one message; the first time counts."""

    __tablename__ = "message_receipts"

    message_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    participant: Mapped[str] = mapped_column(String(80), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class EarlyReceipt(Base):
    """A receipt that overtook the answer to its own message: kept until that message knows its WhatsApp id."""

    __tablename__ = "early_receipts"

    session_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    wa_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    participant: Mapped[str] = mapped_column(String(80), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    org_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("orgs.id", ondelete="CASCADE"))


class MessageReaction(OrgScoped, Base):
    """One person's emoji on one message; a later one replaces it, an empty one removes it."""

    __tablename__ = "message_reactions"

    message_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    author_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    emoji: Mapped[str] = mapped_column(String(32))
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class MessageAnswer(OrgScoped, Base):
    """One person's vote in a poll, or answer to an appointment; a later one replaces it."""

    __tablename__ = "message_answers"

    message_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    author_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    options: Mapped[Any] = mapped_column(JsonType)  #: what was chosen; of an appointment one word
    guests: Mapped[int] = mapped_column(SmallInteger, default=0)
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class AlbumPart(OrgScoped, Base):
    """A picture or video that belongs to an album; both are messages."""

    __tablename__ = "album_parts"

    message_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    album_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("messages.id", ondelete="CASCADE"), index=True)


class MessagePin(OrgScoped, Base):
    """A message that stands at the top of its chat."""

    __tablename__ = "message_pins"

    message_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    author_id: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    until: Mapped[datetime] = mapped_column(UtcDateTime)


class ChatTimer(OrgScoped, Base):
    """For how long messages of a chat are kept by those who read them."""

    __tablename__ = "chat_timers"

    chat_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("chats.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    seconds: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class MessageVersion(Identified, OrgScoped, Base):
    """What an edited message said before."""

    __tablename__ = "message_versions"

    message_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("messages.id", ondelete="CASCADE"), index=True)
    body: Mapped[str] = mapped_column(Text)
    replaced_at: Mapped[datetime] = mapped_column(UtcDateTime)
