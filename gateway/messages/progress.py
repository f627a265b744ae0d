"""Moves messages from state to state, and says so in the event log."""

from __future__ import annotations

import secrets
from datetime import datetime

from gateway.db.tx import Tx
from gateway.events.service import EventLog
from gateway.kit.clock import Clock
from gateway.messages import store
from gateway.messages.models import Hold, Message
from gateway.messages.render import render_message
from gateway.messages.states import MessageState, demand_step, may_follow
from gateway.messages.store import Entry
from gateway.pacing.classes import classify

ERROR_DETAIL_LIMIT = 400
SECRET_BYTES = 32
#: Why a message is uncertain: a receipt may still come ...
AWAITS_RECEIPT = "awaits_receipt"
#: ... or none came in time, and only a person can say what shall become of it.
NEEDS_A_PERSON = "needs_a_person"

#: What is true of a message in each of these states, weakest first: what was read was delivered.
_MILESTONES = (MessageState.SENT, MessageState.DELIVERED, MessageState.READ, MessageState.PLAYED)
_TIMES = {
    MessageState.SENT: "sent_at",
    MessageState.DELIVERED: "delivered_at",
    MessageState.READ: "read_at",
    MessageState.PLAYED: "played_at",
    MessageState.REVOKED: "revoked_at",
}


class Progress:
    """The only place that writes a message's state."""

    def __init__(self, *, clock: Clock, events: EventLog) -> None:
        self._clock = clock
        self._events = events

    def announce(self, tx: Tx, entry: Entry, event_type: str, **more: object) -> None:
        """Tell everybody about a message; its JSON is the event's data."""
        message = entry.message
        self._events.emit(
            tx,
            org_id=message.org_id,
            type=event_type,
            subject=("message", message.id),
            data=render_message(message, chat=entry.chat, contact=entry.contact) | more,
            session_id=message.session_id,
            chat_id=message.chat_id,
        )

    def claim(self, tx: Tx, message: Message, *, by: str, until: datetime) -> None:
        """Hand a message to the engine. Nobody is told: what comes of it follows within moments."""
        demand_step(message.state, MessageState.SENDING)
        message.state = MessageState.SENDING
        message.attempts += 1
        message.reason = message.hold = None
        message.claimed_by, message.claimed_until = by, until
        message.updated_at = self._clock.now()
        tx.session.flush()

    def move(
        self,
        tx: Tx,
        entry: Entry,
        state: MessageState,
        *,
        at: datetime | None = None,
        reason: str | None = None,
        error: tuple[str, str] | None = None,
        quiet: bool = False,
    ) -> None:
        """Take one step of the table; raises ConflictError where it has no such step. ``error`` is code and detail."""
        message = entry.message
        demand_step(message.state, state)
        message.state = state
        message.reason = reason
        message.hold = Hold.TIME if state is MessageState.SCHEDULED else None
        if state is MessageState.QUEUED:
            message.pace_class = classify(purpose=message.purpose, chat=entry.chat, at=self._clock.now())
        message.error_code, message.error_detail = error or (None, None)
        if message.error_detail:
            message.error_detail = message.error_detail[:ERROR_DETAIL_LIMIT]
        message.claimed_by = message.claimed_until = None
        message.updated_at = self._clock.now()
        self._note_times(message, state, at or message.updated_at)
        tx.session.flush()
        if not quiet:
            self.announce(tx, entry, "message.status")

    def put_back(self, tx: Tx, entry: Entry, *, until: datetime | None, reason: str, counted: bool) -> None:
        """Return a message that did not reach the wire to the queue; the same words go out at the next try."""
        message = entry.message
        if not counted:
            message.attempts = max(message.attempts - 1, 0)
        message.next_at = until
        self.move(tx, entry, MessageState.QUEUED, reason=reason, quiet=True)
        if until is not None:
            message.hold = Hold.RETRY
            tx.session.flush()

    def hold(self, tx: Tx, message: Message, *, until: datetime, reason: str | None) -> None:
        """The gate lets it go later. It stays queued; nobody is told, whoever asks sees the reason."""
        message.hold, message.next_at, message.reason = Hold.GATE, until, reason
        message.updated_at = self._clock.now()
        tx.session.flush()

    def release(self, tx: Tx, message: Message) -> None:
        """What held a queued message has ended; it may go in its turn."""
        message.hold = message.reason = None
        tx.session.flush()

    def doubt(self, tx: Tx, entry: Entry, *, wa_id: str | None, error: tuple[str, str]) -> None:
        """It may have reached WhatsApp: say so. With its id known, a receipt can settle it, even one that came already."""
        entry.message.wa_id = wa_id
        entry.message.uncertain_at = self._clock.now()
        self.move(tx, entry, MessageState.UNCERTAIN, reason=AWAITS_RECEIPT, error=error)
        self.announce(tx, entry, "message.uncertain")
        if wa_id is not None:
            self.catch_up(tx, entry)

    def leave_to_a_person(self, tx: Tx, entry: Entry) -> None:
        """No receipt came in time. It stays uncertain until somebody resolves it, or a receipt comes after all."""
        entry.message.reason = NEEDS_A_PERSON
        entry.message.updated_at = self._clock.now()
        tx.session.flush()
        self.announce(tx, entry, "message.uncertain")

    def resend(self, tx: Tx, entry: Entry, *, reason: str | None, is_double_possible: bool) -> None:
        """Queue it once more, with a new secret: whatever an earlier try left behind says nothing of the next one."""
        message = entry.message
        message.secret = secrets.token_bytes(SECRET_BYTES)
        message.wa_id = message.next_at = message.uncertain_at = None
        message.may_be_double = message.may_be_double or is_double_possible
        self.move(tx, entry, MessageState.QUEUED, reason=reason)

    def sent(self, tx: Tx, entry: Entry, *, wa_id: str) -> None:
        """WhatsApp has it. Receipts that overtook this answer count now."""
        entry.message.wa_id = wa_id
        self.move(tx, entry, MessageState.SENT)
        self.catch_up(tx, entry)

    def catch_up(self, tx: Tx, entry: Entry) -> None:
        """Apply the receipts that came before the message knew its WhatsApp id."""
        message = entry.message
        assert message.wa_id is not None, "receipts are matched by WhatsApp's id"
        early = store.take_early(tx, org_id=message.org_id, session_id=message.session_id, wa_id=message.wa_id)
        # By strength: within one of WhatsApp's whole seconds their times do not say what came first.
        for receipt in sorted(early, key=lambda receipt: _MILESTONES.index(MessageState(receipt.kind))):
            self.receive(tx, entry, MessageState(receipt.kind), participant=receipt.participant, at=receipt.at)

    def receive(self, tx: Tx, entry: Entry, state: MessageState, *, participant: str, at: datetime) -> bool:
        """A receipt: kept per participant; the state only moves forward. False where it says nothing new."""
        message = entry.message
        at = max(at, message.sent_at or message.created_at)  # WhatsApp's clock has whole seconds
        is_new = store.note_receipt(
            tx, org_id=message.org_id, message_id=message.id, participant=participant, kind=state, at=at
        )
        if is_new and may_follow(message.state, state):
            self.move(tx, entry, state, at=at)
        return is_new

    def _note_times(self, message: Message, state: MessageState, at: datetime) -> None:
        if state is MessageState.REVOKED:
            message.revoked_at = max(at, message.created_at)
        elif state in _MILESTONES:
            # Whole seconds again: a receipt may seem older than the one it follows.
            floor = message.sent_at or message.created_at
            for milestone in _MILESTONES[: _MILESTONES.index(state) + 1]:
                known = getattr(message, _TIMES[milestone])
                floor = known or max(at, floor)
                setattr(message, _TIMES[milestone], floor)
