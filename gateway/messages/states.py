"""The states of a message and the steps between them, as one table."""

from __future__ import annotations

from enum import StrEnum

from gateway.kit.errors import ConflictError


class MessageState(StrEnum):
    """Where a message stands."""

    SCHEDULED = "scheduled"  #: not due yet
    QUEUED = "queued"  #: due, waiting for its turn
    SENDING = "sending"  #: handed to the engine, no answer yet
    UNCERTAIN = "uncertain"  #: it may have been sent; a receipt settles it
    SENT = "sent"  #: WhatsApp's server has it
    DELIVERED = "delivered"
    READ = "read"
    PLAYED = "played"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    SKIPPED = "skipped"  #: the gate said no; the reason is stored
    REVOKED = "revoked"  #: deleted for everyone
    RECEIVED = "received"


_S = MessageState

#: From each state, the ones that may follow.
STEPS: dict[MessageState, frozenset[MessageState]] = {
    _S.SCHEDULED: frozenset({_S.QUEUED, _S.CANCELLED, _S.EXPIRED}),
    _S.QUEUED: frozenset({_S.SCHEDULED, _S.SENDING, _S.CANCELLED, _S.EXPIRED, _S.SKIPPED, _S.FAILED}),
    _S.SENDING: frozenset({_S.QUEUED, _S.UNCERTAIN, _S.SENT, _S.FAILED}),
    _S.UNCERTAIN: frozenset({_S.QUEUED, _S.SENT, _S.DELIVERED, _S.READ, _S.PLAYED, _S.FAILED}),
    _S.SENT: frozenset({_S.DELIVERED, _S.READ, _S.PLAYED, _S.REVOKED}),
    _S.DELIVERED: frozenset({_S.READ, _S.PLAYED, _S.REVOKED}),
    _S.READ: frozenset({_S.PLAYED, _S.REVOKED}),
    _S.PLAYED: frozenset({_S.REVOKED}),
    # A person may have called it failed and a receipt knows better: the receipt is the truth.
    _S.FAILED: frozenset({_S.QUEUED, _S.DELIVERED, _S.READ, _S.PLAYED}),
    _S.CANCELLED: frozenset(),
    _S.EXPIRED: frozenset(),
    _S.SKIPPED: frozenset({_S.QUEUED}),
    _S.REVOKED: frozenset(),
    _S.RECEIVED: frozenset({_S.REVOKED}),
}

#: Nobody has handed these to the engine yet.
WAITING = frozenset({_S.SCHEDULED, _S.QUEUED})

#: A person may ask for another try from these. From ``uncertain`` the recipient may get it twice.
RETRYABLE = frozenset({_S.FAILED, _S.SKIPPED, _S.UNCERTAIN})


def may_follow(current: str, following: str) -> bool:
    """Whether a message in ``current`` may go to ``following``."""
    return MessageState(following) in STEPS[MessageState(current)]


def demand_step(current: str, following: str) -> None:
    """Raise ConflictError for a step that the table does not have."""
    if not may_follow(current, following):
        raise ConflictError(f"A message that is {current} cannot become {following}.", code="message_state_conflict")
