"""What people do with a queue as a whole: look, pause, resume, clear, try failed messages again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from gateway.db.tx import Tx
from gateway.events.service import EventLog
from gateway.fleet.models import Session
from gateway.kit.clock import Clock
from gateway.kit.ids import render_id
from gateway.kit.times import render_time
from gateway.messages.models import Queue
from gateway.messages.outbox import control_store
from gateway.messages.outbox.control_store import Choice, Depths
from gateway.messages.outbox.queues import PauseReason, Queues
from gateway.messages.outbox.waiting import Waiting, WaitsFor
from gateway.messages.progress import Progress
from gateway.messages.service import Wakes
from gateway.messages.states import MessageState
from gateway.messages.store import Entry
from sessions.events import Report


class QueueControl:
    """A session's queue, as its owners see it."""

    def __init__(
        self,
        *,
        clock: Clock,
        events: EventLog,
        queues: Queues,
        waiting: Waiting,
        progress: Progress,
        wakes: Wakes,
        bite: int = 200,
    ) -> None:
        self.bite = bite  #: messages that one transaction changes at most
        self._clock = clock
        self._events = events
        self._queues = queues
        self._waiting = waiting
        self._progress = progress
        self._wakes = wakes

    def view(self, tx: Tx, session: Session) -> dict[str, object]:
        """The queue's JSON."""
        queue = control_store.queue_of(tx, session_id=session.id)
        depths = control_store.depths(tx, session_id=session.id)
        return render_queue(
            session, queue, depths, waits=self._waiting.of_session(session, queue), at=self._clock.now()
        )

    def pause(self, tx: Tx, session: Session) -> None:
        """Let nothing leave until :meth:`resume`; what is being sent at this moment is not called back."""
        if self._queues.pause(tx, session, PauseReason.REQUESTED):
            self.announce(tx, session, "queue.paused")

    def resume(self, tx: Tx, session: Session) -> None:
        """Go on, whyever it was paused."""
        if self._queues.resume(tx, session):
            self.announce(tx, session, "queue.resumed")
            tx.after_commit(lambda: self._wakes.wake_lane(session.id))

    def linked(self, tx: Tx, session: Session, _report: Report) -> None:
        """A phone was linked: what was meant to come from another one waits for a person."""
        if session.is_paired and self._queues.note_account(tx, session):
            self.announce(tx, session, "queue.paused")

    def cancel_some(self, tx: Tx, org_id: int, choice: Choice, *, after_id: int) -> Sequence[Entry]:
        """Call back up to a bite of the chosen messages; gives which."""
        chosen = control_store.choose(tx, org_id=org_id, choice=choice, after_id=after_id, limit=self.bite)
        for entry in chosen:
            self._progress.move(tx, entry, MessageState.CANCELLED)
        return chosen

    def retry_some(self, tx: Tx, org_id: int, choice: Choice, *, after_id: int) -> Sequence[Entry]:
        """Queue up to a bite of the chosen messages, which have failed, once more; gives which."""
        chosen = control_store.choose(tx, org_id=org_id, choice=choice, after_id=after_id, limit=self.bite)
        for entry in chosen:
            entry.message.attempts = 0
            if entry.message.expires_at is not None and entry.message.expires_at <= self._clock.now():
                entry.message.expires_at = None
            self._progress.resend(tx, entry, reason=None, is_double_possible=False)
        for session_id in {entry.message.session_id for entry in chosen}:
            tx.after_commit(partial(self._wakes.wake_lane, session_id))
        return chosen

    def announce(self, tx: Tx, session: Session, event_type: str) -> None:
        """Tell everybody how the queue stands."""
        self._events.emit(
            tx,
            org_id=session.org_id,
            type=event_type,
            subject=("session", session.id),
            data=self.view(tx, session),
            session_id=session.id,
        )


def render_queue(
    session: Session, queue: Queue | None, depths: Depths, *, waits: WaitsFor | None, at: datetime
) -> dict[str, object]:
    """A queue as JSON."""
    oldest = depths.oldest_at
    return {
        "session": render_id("ses", session.id),
        "paused_at": render_time(queue.paused_at if queue else None),
        "pause_reason": queue.pause_reason if queue else None,
        "stalled_at": render_time(queue.stalled_at if queue else None),
        "queued": depths.ready + depths.held,
        "held": depths.held,
        "scheduled": depths.scheduled,
        "sending": depths.sending,
        "uncertain": depths.uncertain,
        "oldest_queued_at": render_time(oldest),
        "oldest_queued_seconds": None if oldest is None else max((at - oldest).total_seconds(), 0.0),
        "next_at": render_time(depths.next_at),
        "waiting_for": render_wait(waits),
    }


def render_wait(waits: WaitsFor | None) -> dict[str, object] | None:
    """Why something waits, as JSON."""
    if waits is None:
        return None
    return {"code": waits.code, "until": render_time(waits.until), "position": waits.position}
