"""The tables of people and of the addresses that lead to them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, validates

from gateway.db.base import Base, Identified, OrgScoped, Timestamped
from gateway.db.types import UtcDateTime
from gateway.kit.words import fold_names
from sessions.address import LID_SERVER, Address, Jid


class AliasKind(StrEnum):
    """What kind of name leads to a contact."""

    PHONE = "phone"  #: E.164 with its plus sign
    LID = "lid"  #: the user part of a hidden-user address


class Contact(Identified, OrgScoped, Timestamped, Base):
    """One person. ``phone`` and ``lid`` repeat the newest alias of each kind, so that reading needs no join."""

    __tablename__ = "contacts"
    __table_args__ = (Index("ix_contacts_org_id_id", "org_id", "id"),)

    name: Mapped[str | None] = mapped_column(String(200))  #: given by a person here; wins over the push name
    push_name: Mapped[str | None] = mapped_column(String(200))  #: what they call themselves on WhatsApp
    phone: Mapped[str | None] = mapped_column(String(24))
    lid: Mapped[str | None] = mapped_column(String(40))
    last_interaction_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    timezone: Mapped[str | None] = mapped_column(String(64))  #: as the IANA calls it, where we were told
    opted_out_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    blocked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  #: nothing at all is sent to them
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  #: out of sight until they are heard of again
    folded: Mapped[str] = mapped_column(
        Text, default="", server_default=text("''")
    )  #: names and numbers, as a search compares
    merged_into_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("contacts.id", ondelete="SET NULL"))

    @validates("name", "push_name", "phone", "lid")
    def _fold(self, field: str, value: str | None) -> str | None:
        names = {name: getattr(self, name) for name in ("name", "push_name", "phone", "lid")} | {field: value}
        self.folded = fold_names(*names.values())
        return value

    @property
    def address(self) -> Address:
        """Every WhatsApp address known for this person."""
        return address_from(phone=self.phone, lid=self.lid)

    @property
    def display_name(self) -> str | None:
        """What to call them."""
        return self.name or self.push_name


class ContactAlias(Base):
    """One name that leads to a contact. Merging two contacts moves their aliases."""

    __tablename__ = "contact_aliases"

    org_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("orgs.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    value: Mapped[str] = mapped_column(String(64), primary_key=True)
    contact_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("contacts.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Consent(StrEnum):
    """What a person has said about messages they did not ask for."""

    OPTED_OUT = "opted_out"
    OPTED_IN = "opted_in"


class ConsentSource(StrEnum):
    """How we came to know."""

    API = "api"  #: a program or a person told us
    KEYWORD = "keyword"  #: they wrote it to us


class ConsentEvent(Identified, OrgScoped, Base):
    """Evidence: who said so, when and how. Rows are only ever added."""

    __tablename__ = "consent_events"
    __table_args__ = (Index("ix_consent_events_contact_id_id", "contact_id", "id"),)

    contact_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("contacts.id", ondelete="CASCADE"))
    consent: Mapped[str] = mapped_column(String(16))
    source: Mapped[str] = mapped_column(String(16))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    note: Mapped[str | None] = mapped_column(Text)  #: the caller's words, or the word that was written
    api_key_id: Mapped[int | None] = mapped_column(BigInteger)
    user_id: Mapped[int | None] = mapped_column(BigInteger)
    session_id: Mapped[int | None] = mapped_column(BigInteger)
    message_id: Mapped[int | None] = mapped_column(BigInteger)


def address_from(*, phone: str | None, lid: str | None) -> Address:
    """The WhatsApp addresses behind what the tables keep."""
    return Address(
        pn=Jid.from_phone(phone) if phone else None,
        lid=Jid(lid, LID_SERVER) if lid else None,
    )
