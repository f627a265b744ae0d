"""What a session's queue is told to do: pause, go on; and why it was paused without anybody asking for it."""

from __future__ import annotations

from enum import StrEnum

from gateway.db.tx import Tx
from gateway.fleet.models import Session
from gateway.kit.clock import Clock
from gateway.messages.models import Queue
from gateway.messages.outbox import control_store


class PauseReason(StrEnum):
    """Why nothing leaves. In each case only a person lets it go on."""

    REQUESTED = "requested"
    PHONE_CHANGED = "phone_changed"  #: another phone was linked: what waits was meant to come from the one before
    RESTORED = "restored"  #: the store came from a backup: what waits may have been sent since


class Queues:
    """The rows beside the messages. Who calls also tells everybody."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock

    def pause(self, tx: Tx, session: Session, reason: PauseReason) -> bool:
        """Let nothing leave any more; False where that is so already."""
        queue = self.open(tx, session)
        if queue.paused_at is not None:
            return False
        queue.paused_at, queue.pause_reason = self._clock.now(), reason
        tx.session.flush()
        return True

    def resume(self, tx: Tx, session: Session) -> bool:
        """Go on; False where nothing was paused."""
        queue = control_store.queue_of(tx, session_id=session.id)
        if queue is None or queue.paused_at is None:
            return False
        queue.paused_at = queue.pause_reason = None
        tx.session.flush()
        return True

    def pause_restored(self, tx: Tx, session: Session) -> bool:
        """The store came from a backup: what waits, is in flight or falls due by a schedule may have been sent since."""
        return self.pause(tx, session, PauseReason.RESTORED)

    def note_account(self, tx: Tx, session: Session) -> bool:
        """A phone was linked. True where it is another one than last time and something waits, which is paused then."""
        queue = self.open(tx, session)
        before, queue.account = queue.account, session.pn or session.lid
        tx.session.flush()
        if before in (None, queue.account) or not self._is_waited_in(tx, session):
            return False
        return self.pause(tx, session, PauseReason.PHONE_CHANGED)

    def open(self, tx: Tx, session: Session) -> Queue:
        """The session's row, made when there is none."""
        queue = control_store.queue_of(tx, session_id=session.id)
        if queue is None:
            queue = Queue(session_id=session.id, org_id=session.org_id)
            tx.add(queue)
        return queue

    def _is_waited_in(self, tx: Tx, session: Session) -> bool:
        found = control_store.depths(tx, session_id=session.id)
        return found.ready + found.held + found.scheduled > 0
