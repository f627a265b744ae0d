"""What callers may do with linked phones: the records and what is wanted of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from gateway.db.tx import Tx
from gateway.events.service import EventLog
from gateway.fleet import store
from gateway.fleet.condition import note_liveness, note_restriction
from gateway.fleet.errors import (
    SessionAlreadyPairedError,
    SessionBannedError,
    SessionNameTakenError,
    SessionNotFoundError,
    SessionNotPairedError,
)
from gateway.fleet.models import Desired, Session
from gateway.fleet.render import SESSION_PREFIX, render_session
from gateway.fleet.restrictions import TIMELOCK_LASTS, current_kind
from gateway.fleet.settings import merge_settings
from gateway.kit.clock import Clock
from gateway.kit.ids import IdGenerator, InvalidIdError, parse_id
from gateway.kit.times import render_time
from gateway.principal import Principal
from sessions.status import NEEDS_A_PERSON, Reason, SessionStatus

_REASONS_KEPT = 10


class Sessions:
    """The records of linked phones. The reconciler makes the engine follow them."""

    def __init__(self, *, clock: Clock, ids: IdGenerator, events: EventLog) -> None:
        self._clock = clock
        self._ids = ids
        self._events = events
        self._settings_listeners: list[Callable[[Tx, Session], None]] = []

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

    def note_name(self, session: Session, name: str) -> None:
        """The account calls itself something else from now on."""
        session.push_name = name
        self._touch(session)

    def change_settings(self, tx: Tx, session: Session, changes: dict[str, object]) -> None:
        """Change some settings, None going back to the default; the worker takes them up at its next start."""
        session.settings = merge_settings(session.settings, changes)
        self._touch(session)
        for listener in self._settings_listeners:
            listener(tx, session)

    def when_settings_changed(self, callback: Callable[[Tx, Session], None]) -> None:
        """Tell those who act on settings, in the same transaction."""
        self._settings_listeners.append(callback)

    def present(self, tx: Tx, session_id: int) -> Session | None:
        """The session with this id, of whichever organization, unless it has been removed: for the gateway itself."""
        session = store.find_any(tx, session_id=session_id)
        return session if session is not None and session.removed_at is None else None

    def all(self, tx: Tx) -> Sequence[Session]:
        """Every session that has not been removed, of all organizations."""
        return store.all_present(tx)

    def find_present(self, tx: Tx, session_id: int) -> Session | None:
        """A session by its id alone unless it was removed: for work that its reports bring about."""
        session = store.find_any(tx, session_id=session_id)
        return session if session is not None and session.removed_at is None else None

    def restrictions(self, tx: Tx) -> Mapping[int, str]:
        """The kind of restriction of every session that has one, of all organizations."""
        return {session.id: kind for session in store.all_restricted(tx) if (kind := current_kind(session)) is not None}

    def statuses(self, tx: Tx) -> Mapping[int, str]:
        """The status of every session, of all organizations."""
        return store.statuses(tx)

    def start(self, tx: Tx, session: Session, *, force: bool = False) -> None:
        """Want it running; also the way out of ``failed``, ``banned``, ``replaced`` and ``outdated``.

        ``force`` starts it even before a temporary ban has ended.
        """
        if not session.is_paired:
            raise SessionNotPairedError
        if not force:
            self._demand_ban_over(session)
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

    def unlinked(self, tx: Tx, session: Session, reason: Reason, *, code: int | None = None) -> None:
        """The phone is no longer linked: the keys go, the row stays and can be paired again."""
        session.paired_at = None
        session.unlink_due = False
        session.forget_due = True
        self.set_status(tx, session, SessionStatus.LOGGED_OUT, reason=reason, code=code)

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
        code: int | None = None,
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
        was, session.status = session.status, status
        session.live = live
        session.reason = reason
        session.until = until
        self._touch(session)
        restriction = note_restriction(session, status=status, reason=reason, until=until, code=code, now=now)
        liveness = note_liveness(session, was=was, status=status, live=live, reason=reason, now=now)
        self.announce(tx, session, "session.status")
        if restriction is not None:
            self.announce(tx, session, restriction)
        if liveness is not None:
            event_type, more = liveness
            self.announce(tx, session, event_type, {**render_session(session), **more})

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

    def _demand_ban_over(self, session: Session) -> None:
        """Logging in during a temporary ban makes it longer."""
        until = session.restricted_until
        if session.status == SessionStatus.BANNED and until is not None and until > self._clock.now():
            raise SessionBannedError(
                f"WhatsApp has banned this number until {render_time(until)}. It connects by itself after that."
            )

    def _touch(self, session: Session) -> None:
        session.updated_at = self._clock.now()
