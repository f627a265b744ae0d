"""Writes down what came of a try, in the transaction that claims the next message."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from gateway.contacts.service import Contacts
from gateway.db.tx import Tx
from gateway.fleet.models import Session
from gateway.kit.clock import Clock
from gateway.kit.ids import render_id
from gateway.messages import store
from gateway.messages.arriving.changes import Changes
from gateway.messages.outbox.candidates import count_if_sent
from gateway.messages.outbox.outcomes import Fate
from gateway.messages.outbox.rests import Rests
from gateway.messages.outbox.trying import Claim, Outcome, Unsent
from gateway.messages.progress import Progress
from gateway.messages.states import MessageState
from gateway.messages.store import Entry
from gateway.pacing.gate import Gate
from sessions.content import Sent
from sessions.errors import NewChatsRefusedError

log = structlog.get_logger(__name__)

#: Gives the news that a session is down the time to arrive, where a try heard of it first.
SHORT_REST = timedelta(seconds=1)

#: ``(tx, the session, when)``: WhatsApp refuses new chats (463) on this session.
OnTimelock = Callable[[Tx, Session, datetime], None]


class Settler:
    """Turns outcomes into states."""

    def __init__(
        self,
        *,
        clock: Clock,
        progress: Progress,
        contacts: Contacts,
        changes: Changes,
        gate: Gate,
        rests: Rests,
        on_timelock: OnTimelock,
    ) -> None:
        self._clock = clock
        self._progress = progress
        self._contacts = contacts
        self._changes = changes
        self._gate = gate
        self._rests = rests
        self._on_timelock = on_timelock

    def settle(self, tx: Tx, claim: Claim, outcome: Outcome, *, session: Session) -> None:
        """Move the message to where its try has led."""
        entry = store.find(tx, org_id=claim.org_id, message_id=claim.message_id)
        if entry is None or not _is_still(entry, claim, outcome):
            log.warning("settled elsewhere", message_id=render_id("msg", claim.message_id))
            return
        was_counted = entry.message.state == MessageState.UNCERTAIN
        if isinstance(outcome, Sent):
            self._progress.sent(tx, entry, wa_id=outcome.wa_id)
            self._changes.note_own(tx, entry)
            self._learn(tx, entry, outcome)
        else:
            self._settle_unsent(tx, entry, outcome, session)
        if not was_counted:
            count_if_sent(tx, entry, session, gate=self._gate, at=self._clock.now())

    def _settle_unsent(self, tx: Tx, entry: Entry, outcome: Unsent, session: Session) -> None:
        progress, judgement = self._progress, outcome.judgement
        error = (outcome.error.code, str(outcome.error))
        until = self._clock.now() + timedelta(seconds=judgement.delay_seconds)
        if judgement.rests_lane or outcome.is_proven_unsent:
            until = max(until, self._clock.now() + SHORT_REST)
            self._rests.begin(entry.message.session_id, until=until, reason=outcome.error.code)
        if isinstance(outcome.error, NewChatsRefusedError):
            self._on_timelock(tx, session, self._clock.now())
        if judgement.fate is Fate.FAIL:
            progress.move(tx, entry, MessageState.FAILED, error=error)
        elif judgement.fate is Fate.AGAIN:
            progress.put_back(tx, entry, until=until, reason=outcome.error.code, counted=True)
        elif judgement.fate is Fate.WAIT or outcome.is_proven_unsent:
            progress.put_back(tx, entry, until=None, reason=outcome.error.code, counted=False)
        else:
            progress.doubt(tx, entry, wa_id=outcome.found_wa_id, error=error)

    def _learn(self, tx: Tx, entry: Entry, sent: Sent) -> None:
        """The engine may know an address of the recipient by now that we did not."""
        contact = entry.contact
        if entry.chat.contact_id is not None and contact is not None and contact.lid is None and sent.chat.lid:
            known = contact.address
            self._contacts.identify(
                tx, org_id=entry.message.org_id, address=type(known)(pn=known.pn, lid=sent.chat.lid)
            )


def _is_still(entry: Entry, claim: Claim, outcome: Outcome) -> bool:
    """Whether the outcome is news. What was given up as uncertain in the meantime may yet turn out to be sent."""
    message = entry.message
    if message.secret != claim.envelope.secret:
        return False
    is_late_yes = isinstance(outcome, Sent) and message.state == MessageState.UNCERTAIN
    return message.state == MessageState.SENDING or is_late_yes
