"""Writes what the engine says about a session into its row."""

from __future__ import annotations

import structlog

from gateway.db.tx import Tx
from gateway.fleet import store
from gateway.fleet.models import NAME_LIMIT, PLATFORM_LIMIT, Desired, Session
from gateway.fleet.render import render_session
from gateway.fleet.service import Sessions
from gateway.kit.clock import Clock
from gateway.kit.times import from_epoch, render_time
from sessions.engine import StatusChange
from sessions.events import Identified, Paired, QrShown, Report
from sessions.status import NEEDS_A_PERSON, Reason, SessionStatus, may_follow

log = structlog.get_logger(__name__)


class Progress:
    """Follows sessions through their statuses, from the engine's point of view."""

    def __init__(self, *, sessions: Sessions, clock: Clock) -> None:
        self._sessions = sessions
        self._clock = clock

    def settle_stale(self, tx: Tx) -> None:
        """Forget statuses of an earlier life of the daemon; call before the engine starts."""
        store.settle_stale(tx, now=self._clock.now())

    def follow(self, tx: Tx, session: Session, change: StatusChange) -> bool:
        """Take over a change of status; give whether the row took it."""
        if session.removed_at is not None or session.unlink_due or self._is_echo(session, change.status):
            return False
        if not may_follow(SessionStatus(session.status), change.status):
            log.warning("status out of order", was=session.status, now=change.status, session_id=change.session_id)
        if change.status == SessionStatus.LOGGED_OUT:
            self._sessions.unlinked(tx, session, change.reason or Reason.UNLINKED_FROM_PHONE, code=change.code)
            return True
        reason = None if self._is_of_no_interest(session, change.reason) else change.reason
        until = None if change.until is None else from_epoch(change.until)
        self._sessions.set_status(
            tx, session, change.status, live=change.live, reason=reason, until=until, code=change.code
        )
        return True

    def paired(self, tx: Tx, session: Session, report: Report) -> None:
        """A phone has linked itself: keep who it is, or turn it away."""
        fact = report.event
        assert isinstance(fact, Paired)
        if session.is_paired:
            return
        if session.removed_at is not None:
            session.unlink_due = session.forget_due = True
            return
        refusal = self._refusal(tx, session, fact)
        if refusal is not None:
            self._turn_away(tx, session, refusal)
            return
        now = self._clock.now()
        if not store.keep_identity(tx, session, {**_identity(session, fact), "paired_at": now}):
            self._turn_away(tx, session, Reason.ALREADY_LINKED)  # the other session was a moment faster
            return
        session.desired = Desired.RUN
        session.forget_due = False
        session.platform = fact.platform[:PLATFORM_LIMIT] or None
        session.business_name = fact.business_name[:NAME_LIMIT] or None
        store.use_links(tx, session_id=session.id, org_id=session.org_id, now=now)
        self._sessions.announce(tx, session, "session.paired", render_session(session))

    def offered(self, tx: Tx, session: Session, report: Report) -> None:
        """A QR code is on offer: say that there is one, never what it says."""
        fact = report.event
        assert isinstance(fact, QrShown)
        expires_at = from_epoch(report.received_at + fact.valid_seconds)
        data: dict[str, object] = {"index": fact.index, "expires_at": render_time(expires_at)}
        self._sessions.announce(tx, session, "session.qr", data)

    def identified(self, tx: Tx, session: Session, report: Report) -> None:
        """Who the session is, told at every login: names change, and LIDs are learned late."""
        fact = report.event
        assert isinstance(fact, Identified)
        if not session.is_paired:
            return
        if not store.keep_identity(tx, session, _identity(session, fact)):
            log.warning("account is linked to another session as well", session=session.id)
        session.push_name = fact.push_name[:NAME_LIMIT] or session.push_name

    def _is_echo(self, session: Session, status: SessionStatus) -> bool:
        """The worker's end after a status that says more than ``stopped``."""
        return status == SessionStatus.STOPPED and session.status in NEEDS_A_PERSON

    def _is_of_no_interest(self, session: Session, reason: Reason | None) -> bool:
        """A stop that nobody asked for: the daemon went down, or the last watcher left the pairing page."""
        wanted_stop = session.is_paired and session.desired == Desired.STOP
        return reason == Reason.STOPPED_BY_REQUEST and not wanted_stop

    def _refusal(self, tx: Tx, session: Session, fact: Paired) -> Reason | None:
        phone = fact.me.phone
        if session.expected_phone is not None and phone != session.expected_phone:
            return Reason.WRONG_PHONE
        pn = str(fact.me.pn) if fact.me.pn else None
        lid = str(fact.me.lid) if fact.me.lid else None
        other = store.find_linked(tx, org_id=session.org_id, pn=pn, lid=lid, but=session.id)
        return Reason.ALREADY_LINKED if other is not None else None

    def _turn_away(self, tx: Tx, session: Session, reason: Reason) -> None:
        """The phone must unlink us again, which needs a connection: the reconciler sees to it."""
        session.unlink_due = True
        session.forget_due = True
        session.desired = Desired.STOP
        self._sessions.set_status(tx, session, SessionStatus.STOPPED, reason=reason)
        log.info("phone turned away", reason=reason, session=session.id)


def _identity(session: Session, fact: Paired | Identified) -> dict[str, object]:
    """Who is linked, as columns; what WhatsApp does not say stays as it is."""
    return {
        "pn": str(fact.me.pn) if fact.me.pn else session.pn,
        "phone": fact.me.phone or session.phone,
        "lid": str(fact.me.lid) if fact.me.lid else session.lid,
        "device": fact.device,
    }
