"""Tells of what the linked account's other devices changed, and of people who come and go."""

from __future__ import annotations

from gateway.chats.service import Chats
from gateway.contacts.service import Contacts
from gateway.db.tx import Tx
from gateway.events.service import EventLog
from gateway.fleet.ignoring import is_ignored
from gateway.fleet.models import Session
from gateway.fleet.render import SESSION_PREFIX
from gateway.kit.ids import render_id
from gateway.kit.times import from_epoch, render_time
from gateway.profiles.schemas import render_name
from sessions.address import Address
from sessions.events import BlocklistChanged, PictureChanged, PresenceChanged, PrivacyChanged, Report, Typing


class AccountNews:
    """Handles reports; each becomes an event of its session."""

    def __init__(self, *, events: EventLog, contacts: Contacts, chats: Chats) -> None:
        self._events = events
        self._contacts = contacts
        self._chats = chats

    def presence(self, tx: Tx, session: Session, report: Report) -> None:
        """Somebody is online, or no longer."""
        fact = report.event
        assert isinstance(fact, PresenceChanged)
        last_seen = None if fact.last_seen is None else render_time(from_epoch(fact.last_seen))
        data = {**self._who(tx, session, fact.who), "online": fact.online, "last_seen": last_seen}
        self._emit(tx, session, "presence.updated", data)

    def typing(self, tx: Tx, session: Session, report: Report) -> None:
        """Somebody writes, records, or has stopped."""
        fact = report.event
        assert isinstance(fact, Typing)
        if is_ignored(session.settings, fact.chat):
            return
        contact = self._contacts.find_by_address(tx, org_id=session.org_id, address=fact.who)
        chat = self._chats.find(
            tx,
            org_id=session.org_id,
            session_id=session.id,
            address=fact.chat,
            contact_id=contact.id if contact is not None else None,
        )
        data = {**self._who(tx, session, fact.who), "chat": render_id("cht", chat.id) if chat is not None else None}
        self._emit(tx, session, "contact.typing", data | {"state": fact.state})

    def picture(self, tx: Tx, session: Session, report: Report) -> None:
        """Somebody, or the account itself, has another picture. Those of groups are told with the groups."""
        fact = report.event
        assert isinstance(fact, PictureChanged)
        if fact.who.other is None and fact.who != Address():
            data = {**self._who(tx, session, fact.who), "removed": fact.removed}
            self._emit(tx, session, "picture.changed", data)

    def privacy(self, tx: Tx, session: Session, report: Report) -> None:
        """Privacy settings were changed on another device."""
        fact = report.event
        assert isinstance(fact, PrivacyChanged)
        self._emit(tx, session, "privacy.changed", {"changed": list(fact.changed)})

    def blocklist(self, tx: Tx, session: Session, report: Report) -> None:
        """People were blocked or unblocked on another device."""
        fact = report.event
        assert isinstance(fact, BlocklistChanged)
        data: dict[str, object] = {
            "blocked": [render_name(who) for who in fact.blocked],
            "unblocked": [render_name(who) for who in fact.unblocked],
        }
        self._emit(tx, session, "blocklist.changed", data)

    def _who(self, tx: Tx, session: Session, who: Address) -> dict[str, object]:
        contact = self._contacts.find_by_address(tx, org_id=session.org_id, address=who)
        known = contact.address if contact is not None else who
        return {**render_name(known), "contact": render_id("con", contact.id) if contact is not None else None}

    def _emit(self, tx: Tx, session: Session, event_type: str, data: dict[str, object]) -> None:
        self._events.emit(
            tx,
            org_id=session.org_id,
            type=event_type,
            subject=(SESSION_PREFIX, session.id),
            data=data,
            session_id=session.id,
        )
