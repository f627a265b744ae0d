"""What callers may do with linked phones: the records and what is wanted of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from gateway.db.tx import Tx
from gateway.events.service import EventLog
from gateway.fleet import store
from gateway.fleet.errors import (
    SessionAlreadyPairedError,
    SessionNameTakenError,
    SessionNotFoundError,
    SessionNotPairedError,
)
from gateway.fleet.models import Desired, Session
from gateway.fleet.render import SESSION_PREFIX, render_session
from gateway.fleet.restrictions import TIMELOCK_LASTS
from gateway.kit.clock import Clock
from gateway.kit.ids import IdGenerator, InvalidIdError, parse_id
from gateway.principal import Principal
from sessions.status import NEEDS_A_PERSON, Reason, SessionStatus

_REASONS_KEPT = 10


class Sessions:
    """The records of linked phones. The reconciler makes the engine follow them."""

    def __init__(self, *, clock: Clock, ids: IdGenerator, events: EventLog) -> None:
        self._clock = clock
        self._ids = ids
        self._events = events

    def create(
        self,
        tx: Tx,
        principal: Principal,
        *,
        name: str,
        expected_phone: str | None = None,
        settings: dict[str, object] | None = None,
    ) -> Session:
        """A new session without a phone."""
        self._demand_free_name(tx, principal.org_id, name)
        now = self._clock.now()
        session = Session(
            id=self._ids.new(),
            org_id=principal.org_id,
            name=name,
            desired=Desired.RUN,
            settings=settings or {},
            expected_phone=expected_phone,
            status=SessionStatus.STOPPED,
            live=False,
            status_at=now,
            reasons=[],
            unlink_due=False,
            forget_due=False,
            created_at=now,
            updated_at=now,
        )
        tx.add(session)
        self.announce(tx, session, "session.created")
        return session

    def get(self, tx: Tx, principal: Principal, ref: str) -> Session:
        """The session with this id or name."""
        session = self._find(tx, principal.org_id, ref)
        if session is None:
            raise SessionNotFoundError
        principal.demand_session(session.id)
        return session

    def list(
        self,
        tx: Tx,
        principal: Principal,
        *,
        limit: int,
        after: int | None = None,
        status: SessionStatus | None = None,
    ) -> Sequence[Session]:
        """The caller's sessions, oldest first."""
        return store.page(
            tx, org_id=principal.org_id, after=after, limit=limit, status=status, only=principal.session_ids
        )

    def rename(self, tx: Tx, session: Session, name: str) -> None:
        """Give the session another name."""
        if name != session.name:
            self._demand_free_name(tx, session.org_id, name)
            session.name = name
            self._touch(session)

    def expect_phone(self, session: Session, phone: str | None) -> None:
        """Accept only this phone when linking; None accepts any."""
        session.expected_phone = phone
        self._touch(session)

    def change_settings(self, session: Session, changes: dict[str, object]) -> None:
        """Change some settings, None going back to the default; the worker takes them up at its next start."""
        merged = {**session.settings, **changes}
        session.settings = {name: value for name, value in merged.items() if value is not None}
        self._touch(session)

    def statuses(self, tx: Tx) -> Mapping[int, str]:
        """The status of every session, of all organizations."""
        return store.statuses(tx)

    def start(self, tx: Tx, session: Session) -> None:
        """Want it running; also the way out of ``failed``, ``banned``, ``replaced`` and ``outdated``."""
        if not session.is_paired:
            raise SessionNotPairedError
        session.desired = Desired.RUN
        if session.status == SessionStatus.STOPPED or session.status in NEEDS_A_PERSON:
            self.set_status(tx, session, SessionStatus.STARTING)
        self._touch(session)

    def stop(self, tx: Tx, session: Session) -> None:
        """Want it stopped. A status that needs a person gives way; ``logged_out`` stays, since it still is."""
        session.desired = Desired.STOP
        if session.status in NEEDS_A_PERSON - {SessionStatus.LOGGED_OUT}:
            self.set_status(tx, session, SessionStatus.STOPPED, reason=Reason.STOPPED_BY_REQUEST)
        self._touch(session)

    def demand_unpaired(self, session: Session) -> None:
        """Raise unless a phone may be linked."""
        if session.is_paired:
            raise SessionAlreadyPairedError

    def unlinked(self, tx: Tx, session: Session, reason: Reason) -> None:
        """The phone is no longer linked: the keys go, the row stays and can be paired again."""
        session.paired_at = None
        session.unlink_due = False
        session.forget_due = True
        self.set_status(tx, session, SessionStatus.LOGGED_OUT, reason=reason)

    def remove(self, tx: Tx, session: Session) -> None:
        """Unlink, delete the keys and hide the row; messages keep referring to it."""
        now = self._clock.now()
        self.announce(tx, session, "session.deleted")
        store.void_links(tx, session_id=session.id, org_id=session.org_id, now=now)
        session.unlink_due = session.is_paired
        session.forget_due = True
        session.desired = Desired.STOP
        session.paired_at = None
        session.name = f"{session.name}~{session.id}"[-100:]
        session.removed_at = now
        self._touch(session)

    def set_status(
        self,
        tx: Tx,
        session: Session,
        status: SessionStatus,
        *,
        live: bool = False,
        reason: Reason | None = None,
        until: datetime | None = None,
    ) -> None:
        """Write a status with its reason and tell everybody, unless nothing has changed."""
        if (session.status, session.live, session.reason, session.until) == (status, live, reason, until):
            return
        now = self._clock.now()
        if reason is not None and (session.status, session.reason) != (status, reason):
            entry = {"status": status.value, "reason": reason.value, "at": now.isoformat()}
            session.reasons = [entry, *session.reasons][:_REASONS_KEPT]
        if session.status != status:
            session.status_at = now
        if status == SessionStatus.CONNECTED and session.status != status:
            session.connected_at = now
        session.status = status
        session.live = live
        session.reason = reason
        session.until = until
        self._touch(session)
        self.announce(tx, session, "session.status")

    def note_timelock(self, tx: Tx, session: Session, at: datetime) -> None:
        """WhatsApp has refused a new chat (463): first contacts are held back for a while."""
        is_new = session.timelocked_until is None
        session.timelocked_at = session.timelocked_at or at
        session.timelocked_until = at + TIMELOCK_LASTS
        self._touch(session)
        if is_new:
            self.announce(tx, session, "session.restricted")

    def lift_timelock(self, tx: Tx, session: Session) -> None:
        """A first contact went through, or the time is over: new chats may be started again."""
        if session.timelocked_until is None:
            return
        session.timelocked_at = session.timelocked_until = None
        self._touch(session)
        self.announce(tx, session, "session.unrestricted")

    def announce(self, tx: Tx, session: Session, event_type: str, data: dict[str, object] | None = None) -> None:
        """Emit an event about the session; its data is the session itself unless given."""
        self._events.emit(
            tx,
            org_id=session.org_id,
            type=event_type,
            subject=(SESSION_PREFIX, session.id),
            data=render_session(session) if data is None else data,
            session_id=session.id,
        )

    def _find(self, tx: Tx, org_id: int, ref: str) -> Session | None:
        try:
            return store.find(tx, org_id=org_id, session_id=parse_id(SESSION_PREFIX, ref))
        except InvalidIdError:
            return store.find_by_name(tx, org_id=org_id, name=ref)

    def _demand_free_name(self, tx: Tx, org_id: int, name: str) -> None:
        if store.find_by_name(tx, org_id=org_id, name=name) is not None:
            raise SessionNameTakenError

    def _touch(self, session: Session) -> None:
        session.updated_at = self._clock.now()
