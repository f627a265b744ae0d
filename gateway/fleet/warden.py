"""Ends what WhatsApp forbids for a time: a ban that is over lets its session connect, a time-lock is lifted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import structlog

from gateway.db.tx import Database, Tx
from gateway.fleet import store
from gateway.fleet.models import Desired, Session
from gateway.fleet.reconciler import Reconciler
from gateway.fleet.render import session_id as rendered_id
from gateway.fleet.restrictions import BAN_OF_UNKNOWN_LENGTH, RestrictionKind
from gateway.fleet.service import Sessions
from gateway.kit.clock import Clock
from gateway.kit.service import Wakeable
from sessions.engine import StatusChange
from sessions.status import SessionStatus

log = structlog.get_logger(__name__)


class Warden(Wakeable):
    """Looks at restricted sessions now and then. Before a ban's end nothing connects; then it happens by itself."""

    def __init__(
        self,
        *,
        database: Database,
        sessions: Sessions,
        reconciler: Reconciler,
        clock: Clock,
        interval_seconds: float = 30.0,
    ) -> None:
        super().__init__(interval_seconds=interval_seconds)
        self._database = database
        self._sessions = sessions
        self._reconciler = reconciler
        self._clock = clock

    def status_changed(self, _session_id: int, change: StatusChange) -> None:
        """Observe statuses: a new ban has an end to wait for."""
        if change.status is SessionStatus.BANNED:
            self.wake()

    async def run_once(self) -> float | None:
        """Release whose time has come; give the seconds until the next one's."""
        restricted = await self._database.read(store.all_restricted)
        now = self._clock.now()
        ends = {session.id: end for session in restricted if (end := _end_of(session)) is not None}
        due = [session_id for session_id, end in ends.items() if end <= now]
        if due:
            await self._database.write(lambda tx: self._release(tx, due))
            self._reconciler.wake()
        left = [(end - now).total_seconds() for end in ends.values() if end > now]
        return min(left, default=None)

    def _release(self, tx: Tx, due: Sequence[int]) -> None:
        now = self._clock.now()
        for session_id in due:
            session = store.find_to_change(tx, session_id=session_id)
            if session is None:
                continue
            if session.timelocked_until is not None and session.timelocked_until <= now:
                self._sessions.lift_timelock(tx, session)
            ban_ends = _end_of_ban(session)
            if ban_ends is not None and ban_ends <= now:
                log.info("ban is over, connecting", session_id=rendered_id(session))
                self._sessions.set_status(tx, session, SessionStatus.STARTING)


def _end_of(session: Session) -> datetime | None:
    """When something about its restrictions changes next."""
    ends = [end for end in (session.timelocked_until, _end_of_ban(session)) if end is not None]
    return min(ends, default=None)


def _end_of_ban(session: Session) -> datetime | None:
    """When a session that is banned for a time, and wanted, may connect again."""
    is_waiting = session.status == SessionStatus.BANNED and session.desired == Desired.RUN and session.is_paired
    if not is_waiting or session.restriction != RestrictionKind.TEMPORARY_BAN or session.restricted_at is None:
        return None
    return session.restricted_until or session.restricted_at + BAN_OF_UNKNOWN_LENGTH
