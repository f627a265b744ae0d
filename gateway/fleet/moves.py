"""What becomes of a session's row when its phone moves to another gateway, or comes from one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.db.tx import Tx
from gateway.fleet import store
from gateway.fleet.errors import SessionAccountLinkedError, SessionNotPairedError
from gateway.fleet.models import Desired, Session
from gateway.fleet.service import Sessions
from gateway.kit.clock import Clock
from gateway.principal import Principal
from sessions.status import Reason, SessionStatus


class Moves:
    """Steps of rows alone; the keys are somebody else's affair."""

    def __init__(self, *, sessions: Sessions, clock: Clock) -> None:
        self._sessions = sessions
        self._clock = clock

    def want(self, tx: Tx, session_id: int, desired: Desired) -> None:
        """Stop the session, or let it run again."""
        session = self._linked(tx, session_id)
        if desired is Desired.STOP:
            self._sessions.stop(tx, session)
        else:
            self._sessions.start(tx, session)

    def leave(self, tx: Tx, session_id: int) -> None:
        """The phone is linked elsewhere from now on. The row stays, with its history, and may link a phone again."""
        session = self._linked(tx, session_id)
        session.paired_at = None
        session.unlink_due = session.forget_due = False
        self._sessions.set_status(tx, session, SessionStatus.LOGGED_OUT, reason=Reason.MOVED_AWAY)

    def make_room(self, tx: Tx, principal: Principal, *, account: str, name: str) -> Session:
        """The session that an account will belong to: the one that it has left, else a new one without a phone."""
        left = store.find_left(tx, org_id=principal.org_id, account=account)
        return self._sessions.create(tx, principal, name=name) if left is None else left

    def arrive(self, tx: Tx, session_id: int, facts: Mapping[str, Any]) -> Session:
        """The phone is linked here from now on. Its keys must be in their place already."""
        session = store.find_to_change(tx, session_id=session_id)
        if session is None or session.is_paired:
            raise SessionAccountLinkedError
        if not store.keep_identity(tx, session, {**facts, "paired_at": self._clock.now()}):
            raise SessionAccountLinkedError
        session.desired = Desired.RUN
        session.unlink_due = session.forget_due = False
        if session.status != SessionStatus.STOPPED:
            self._sessions.set_status(tx, session, SessionStatus.STOPPED)
        self._sessions.announce(tx, session, "session.paired")
        return session

    def give_up(self, tx: Tx, session_id: int) -> None:
        """Nobody arrived: a session that was made for it goes again."""
        session = store.find_to_change(tx, session_id=session_id)
        if session is not None and session.status_at == session.created_at and not session.is_paired:
            self._sessions.remove(tx, session)

    def demand_free(self, tx: Tx, *, org_id: int, account: str) -> None:
        """Raise when the account is linked here already."""
        if store.find_linked(tx, org_id=org_id, pn=account, lid=account, but=0) is not None:
            raise SessionAccountLinkedError

    def _linked(self, tx: Tx, session_id: int) -> Session:
        session = store.find_to_change(tx, session_id=session_id)
        if session is None or not session.is_paired:
            raise SessionNotPairedError
        return session
