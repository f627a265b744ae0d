"""Shows the gate what it needs to know of a message."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from gateway.db.tx import Tx
from gateway.fleet.models import Session
from gateway.messages.outbox import class_store
from gateway.messages.states import MessageState
from gateway.messages.store import Entry
from gateway.pacing.classes import classify
from gateway.pacing.gate import Gate
from gateway.pacing.verdict import Candidate

#: A message that was handed to the engine and is in one of these now has been sent, or may have been.
_MAYBE_ON_THE_WIRE: Final = frozenset(
    {
        MessageState.UNCERTAIN,
        MessageState.SENT,
        MessageState.DELIVERED,
        MessageState.READ,
        MessageState.PLAYED,
    }
)


def refresh_class(entry: Entry, *, at: datetime) -> None:
    """Set the class that a message is in now; call when it comes back to the queue."""
    entry.message.pace_class = classify(purpose=entry.message.purpose, chat=entry.chat, at=at)


def candidate_of(entry: Entry, session: Session, *, at: datetime) -> Candidate:
    """The message as the gate sees it."""
    return Candidate(
        org_id=entry.message.org_id,
        session=session,
        chat=entry.chat,
        contact=entry.contact,
        purpose=entry.message.purpose,
        pace_class=classify(purpose=entry.message.purpose, chat=entry.chat, at=at),
        expires_at=entry.message.expires_at,
    )


def count_if_sent(tx: Tx, entry: Entry, session: Session, *, gate: Gate, at: datetime) -> None:
    """Call once when a try was settled. What is back in the queue, or was refused, does not count."""
    if entry.message.state not in _MAYBE_ON_THE_WIRE:
        return
    candidate = candidate_of(entry, session, at=at)
    is_certain = entry.message.state != MessageState.UNCERTAIN
    gate.note_sent(tx, candidate, at=at, is_certain=is_certain)
    if candidate.pace_class.is_first_contact:
        class_store.mark_as_known(tx, entry.chat)
