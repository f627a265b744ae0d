"""Says what a message waits for, so that none waits without a reason that is shown."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from gateway.db.tx import Tx
from gateway.fleet.models import Session
from gateway.kit.clock import Clock
from gateway.messages.models import Message, Queue
from gateway.messages.outbox import control_store
from gateway.messages.outbox.queues import PauseReason
from gateway.messages.outbox.rests import Rests
from gateway.messages.states import MessageState
from gateway.pacing.closures import Closures
from sessions.status import SessionStatus

NOT_DUE = "not_due"
QUEUE_PAUSED = "queue_paused"
NOT_PAIRED = "session_not_paired"
NOT_CONNECTED = "session_not_connected"
NOT_LIVE = "session_degraded"
IN_ORDER = "earlier_message_retries"
BEHIND_OTHERS = "behind_others"
ANSWER = "whatsapp_answer"

#: What each code means. The gate's own reasons and the codes of engine errors may stand here as well.
SENTENCES: dict[str, str] = {
    NOT_DUE: "Its time has not come.",
    QUEUE_PAUSED: "The session's queue is paused. It goes on with `POST /sessions/{id}/queue/resume`.",
    "phone_changed": "Another phone was linked to the session. Resume the queue to send from it, or clear the queue.",
    "restored": "The store came from a backup, and what waits may have been sent since. Resume or clear the queue.",
    NOT_PAIRED: "No phone is linked to the session.",
    NOT_CONNECTED: "The session is not connected to WhatsApp.",
    NOT_LIVE: "The session is connected, but WhatsApp does not answer just now.",
    IN_ORDER: "An earlier message of the same chat waits for another try; the chat keeps its order.",
    BEHIND_OTHERS: "Others go first; `position` says about how many.",
    ANSWER: "It was handed to WhatsApp, which has not answered yet.",
    "awaits_receipt": "It may have been sent. A receipt would prove it.",
    "needs_a_person": "It may have been sent, and no receipt came. Decide with `POST /messages/{id}/resolve`.",
}


@dataclass(frozen=True, kw_only=True)
class WaitsFor:
    """Why a message has not gone, and until when, where that is known."""

    code: str
    until: datetime | None = None
    position: int | None = None


@dataclass(frozen=True, kw_only=True)
class _Surroundings:
    """What the messages of one look share."""

    sessions: Mapping[int, tuple[Session, Queue | None]]
    retrying_chats: Collection[int]


class Waiting:
    """Answers for single messages and for pages of them, in a few statements whatever the number."""

    def __init__(self, *, clock: Clock, rests: Rests, closures: Closures) -> None:
        self._clock = clock
        self._rests = rests
        self._closures = closures

    def of_all(self, tx: Tx, messages: Collection[Message]) -> dict[int, WaitsFor]:
        """Why each of these waits, by id; those that wait for nothing are left out."""
        waiting = [message for message in messages if message.state in _WAITING_STATES]
        if not waiting:
            return {}
        session_ids = {message.session_id for message in waiting}
        around = _Surroundings(
            sessions=control_store.queues_of(tx, session_ids=session_ids),
            retrying_chats=control_store.retrying_chats(tx, session_ids=session_ids),
        )
        return {message.id: self._reason(message, around) for message in waiting}

    def of(self, tx: Tx, message: Message) -> WaitsFor | None:
        """Why this one waits, with its place in the queue."""
        found = self.of_all(tx, [message]).get(message.id)
        if found is None or found.code != BEHIND_OTHERS:
            return found
        return WaitsFor(code=BEHIND_OTHERS, position=control_store.position(tx, message=message))

    def of_session(self, session: Session, queue: Queue | None) -> WaitsFor | None:
        """Why nothing of a session goes; None where nothing keeps it."""
        if queue is not None and queue.paused_at is not None:
            is_wish = queue.pause_reason == PauseReason.REQUESTED
            return WaitsFor(code=QUEUE_PAUSED if is_wish else str(queue.pause_reason))
        if not session.is_paired:
            return WaitsFor(code=NOT_PAIRED)
        if session.status != SessionStatus.CONNECTED:
            return WaitsFor(code=NOT_CONNECTED)
        if not session.live:
            return WaitsFor(code=NOT_LIVE)
        rest = self._rests.of(session.id)
        return None if rest is None else WaitsFor(code=rest.reason, until=rest.until)

    def _reason(self, message: Message, around: _Surroundings) -> WaitsFor:
        if message.state == MessageState.SCHEDULED:
            return WaitsFor(code=NOT_DUE, until=message.next_at)
        if message.state == MessageState.SENDING:
            return WaitsFor(code=ANSWER, until=message.claimed_until)
        if message.state == MessageState.UNCERTAIN:
            return WaitsFor(code=message.reason or "awaits_receipt")
        of_session = self.of_session(*around.sessions[message.session_id])
        if message.hold is not None and not _is_final(of_session):
            return WaitsFor(code=message.reason or message.hold, until=message.next_at)
        if of_session is not None:
            return of_session
        closure = self._closures.find(message.session_id, message.pace_class, at=self._clock.now())
        if closure is not None:
            return WaitsFor(code=closure.reason, until=closure.until)
        if message.hold is None and message.chat_id in around.retrying_chats:
            return WaitsFor(code=IN_ORDER)
        return WaitsFor(code=BEHIND_OTHERS)


_WAITING_STATES = frozenset({MessageState.SCHEDULED, MessageState.QUEUED, MessageState.SENDING, MessageState.UNCERTAIN})


def _is_final(waits: WaitsFor | None) -> bool:
    """Whether a person has to do something before anything goes; a message's own wait is then beside the point."""
    return waits is not None and waits.code not in (NOT_CONNECTED, NOT_LIVE) and waits.until is None
