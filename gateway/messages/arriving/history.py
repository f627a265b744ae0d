"""Takes over what a phone shares of its past after linking: chats, titles, messages; quietly, with word of progress."""

from __future__ import annotations

import structlog

from gateway.chats.service import Chats
from gateway.contacts.service import Contacts
from gateway.db.tx import Tx
from gateway.events.service import EventLog
from gateway.fleet.models import Session
from gateway.kit.ids import render_id
from gateway.messages.arriving.inbound import Inbound
from sessions.address import AddressKind
from sessions.events import HistoryChat, HistoryReceived, PushNames, Report

log = structlog.get_logger(__name__)


class History:
    """Handles reports of the past. Each may come twice, and tell of messages that have arrived by themselves."""

    def __init__(self, *, inbound: Inbound, contacts: Contacts, chats: Chats, events: EventLog) -> None:
        self._inbound = inbound
        self._contacts = contacts
        self._chats = chats
        self._events = events

    def received(self, tx: Tx, session: Session, report: Report) -> None:
        """A :class:`sessions.events.HistoryReceived`: filed like other messages, only that nobody is told of each."""
        event = report.event
        assert isinstance(event, HistoryReceived)
        for known in event.chats:
            self._open(tx, session, known)
        for message in sorted(event.messages, key=lambda message: message.timestamp):
            self._inbound.remember(tx, session, message, is_unread=message.key.wa_id in event.unread)
        if event.is_last:
            self._announce(tx, session, event)

    def push_names(self, tx: Tx, session: Session, report: Report) -> None:
        """Names of people we may know; strangers among them do not become contacts."""
        assert isinstance(report.event, PushNames)
        for address, name in report.event.names:
            if address.kind is AddressKind.PERSON and self._contacts.find_by_address(
                tx, org_id=session.org_id, address=address
            ):
                self._contacts.identify(tx, org_id=session.org_id, address=address, push_name=name)

    def _open(self, tx: Tx, session: Session, known: HistoryChat) -> None:
        address = known.chat
        if address.kind in (AddressKind.STATUS, AddressKind.BROADCAST):
            return
        contact = None
        if address.kind is AddressKind.PERSON:
            contact = self._contacts.identify(tx, org_id=session.org_id, address=address)
        self._chats.open(
            tx,
            org_id=session.org_id,
            session_id=session.id,
            address=address,
            contact_id=contact.id if contact else None,
            title=known.title,
        )

    def _announce(self, tx: Tx, session: Session, event: HistoryReceived) -> None:
        data = {
            "session": render_id("ses", session.id),
            "stage": event.stage.value,
            "progress": event.progress,
            "messages": event.count,
        }
        self._events.emit(
            tx,
            org_id=session.org_id,
            type="history.progress",
            subject=("session", session.id),
            data=data,
            session_id=session.id,
        )
        log.info("history taken over", session_id=data["session"], stage=data["stage"], messages=event.count)
