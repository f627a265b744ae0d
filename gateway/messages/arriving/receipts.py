"""Takes receipts over: states move forward, and what was read on the phone is read here."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from gateway.chats.service import Chats
from gateway.db.tx import Tx
from gateway.fleet.models import Session
from gateway.kit.ids import render_id
from gateway.kit.times import from_epoch
from gateway.messages import store
from gateway.messages.outbox import queue_store
from gateway.messages.progress import Progress
from gateway.messages.states import MessageState
from sessions.address import Address
from sessions.events import ReceiptKind, ReceiptReceived, Report

log = structlog.get_logger(__name__)

_STATES = {
    ReceiptKind.DELIVERED: MessageState.DELIVERED,
    ReceiptKind.READ: MessageState.READ,
    ReceiptKind.PLAYED: MessageState.PLAYED,
}
#: No message stays in flight for longer.
EARLY_RECEIPTS_KEPT = timedelta(hours=1)
_OWN = (ReceiptKind.READ_BY_SELF, ReceiptKind.PLAYED_BY_SELF)


class Receipts:
    """Handles reports of receipts. Each may come twice, out of order, or before the answer to its own message."""

    def __init__(self, *, chats: Chats, progress: Progress) -> None:
        self._chats = chats
        self._progress = progress

    def received(self, tx: Tx, session: Session, report: Report) -> None:
        """A :class:`sessions.events.ReceiptReceived`."""
        event = report.event
        assert isinstance(event, ReceiptReceived)
        at = from_epoch(event.timestamp)
        state = _STATES.get(event.receipt)
        if state is not None:
            self._advance(tx, session, event, state, at)
        elif event.receipt in _OWN:
            self._read_here(tx, session, event, at)
        elif event.receipt is ReceiptKind.RETRY:
            log.warning("recipient could not decrypt", session_id=render_id("ses", session.id))

    def _advance(self, tx: Tx, session: Session, event: ReceiptReceived, state: MessageState, at: datetime) -> None:
        # Asked first: were it asked second, a message could be settled between the two questions and miss this receipt.
        may_be_early = queue_store.hold_in_flight(tx, session_id=session.id)
        participant = _participant(event)
        entries = store.list_sent(tx, org_id=session.org_id, session_id=session.id, wa_ids=event.wa_ids)
        for entry in entries:
            self._progress.receive(tx, entry, state, participant=participant, at=at)
        if not may_be_early:
            return
        unknown = set(event.wa_ids) - {entry.message.wa_id for entry in entries}
        if unknown:
            store.forget_early(tx, session_id=session.id, before=at - EARLY_RECEIPTS_KEPT)
        for wa_id in unknown:
            store.keep_early(
                tx,
                org_id=session.org_id,
                session_id=session.id,
                wa_id=wa_id,
                participant=participant,
                kind=state,
                at=at,
            )

    def _read_here(self, tx: Tx, session: Session, event: ReceiptReceived, at: datetime) -> None:
        unread = store.list_received(tx, org_id=session.org_id, session_id=session.id, wa_ids=event.wa_ids)
        if not unread:
            return
        store.mark_read(tx, org_id=session.org_id, message_ids=[entry.message.id for entry in unread], at=at)
        for chat in {entry.chat.id: entry.chat for entry in unread}.values():
            read = sum(entry.chat.id == chat.id for entry in unread)
            self._chats.count_read(tx, chat, read=read)


def _participant(event: ReceiptReceived) -> str:
    who = event.by if event.by != Address() else event.chat
    return str(who.primary)
