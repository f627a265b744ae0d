"""What the supervisor knows of one session, and how the session's own reports change it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec

from sessions.delivery import Delivery
from sessions.engine import StatusChange
from sessions.events import Connected, Disconnected, Ended, Event, Identified, KeepAlive
from sessions.liveness import Liveness, LivenessState, trouble_of
from sessions.protocol import Pulse, SessionSpec
from sessions.status import NEEDS_A_PERSON, Reason, SessionStatus, may_follow

_log = logging.getLogger(__name__)

_STATUS_AFTER: dict[Reason, SessionStatus] = {
    Reason.UNLINKED_FROM_PHONE: SessionStatus.LOGGED_OUT,
    Reason.UNLINKED_HERE: SessionStatus.LOGGED_OUT,
    Reason.ACCOUNT_LOCKED: SessionStatus.LOGGED_OUT,
    Reason.ACCOUNT_BANNED: SessionStatus.BANNED,
    Reason.TEMPORARY_BAN: SessionStatus.BANNED,
    Reason.CONNECTED_ELSEWHERE: SessionStatus.REPLACED,
    Reason.ENGINE_OUTDATED: SessionStatus.OUTDATED,
    Reason.PASSKEY_DEMANDED: SessionStatus.PASSKEY_REQUIRED,
    Reason.STORE_UNREADABLE: SessionStatus.FAILED,
    Reason.STORE_IN_USE: SessionStatus.FAILED,
    Reason.ENGINE_UNUSABLE: SessionStatus.FAILED,
    Reason.CRASH_LOOP: SessionStatus.FAILED,
    Reason.PROXY_REFUSED: SessionStatus.FAILED,
}
_WAS_UP = frozenset({SessionStatus.CONNECTED, SessionStatus.RECONNECTING})


def status_after(reason: Reason) -> SessionStatus:
    """Where a session stands once it has ended for this reason; ``stopped`` if nothing is wrong with it."""
    return _STATUS_AFTER.get(reason, SessionStatus.STOPPED)


class TrackedSession:
    """One session's wish, status and news."""

    def __init__(self, *, spec: SessionSpec, delivery: Delivery, clock: Callable[[], float]) -> None:
        self.spec = spec
        self.delivery = delivery
        self._clock = clock
        self.change = StatusChange(session_id=spec.session_id, status=SessionStatus.STOPPED, live=False, at=clock())
        self.keepalive_failures = 0
        self.pulse = Pulse(session_id=spec.session_id, last_frame_at=None, last_proof_at=None)
        self.recycles = 0
        self.identity: Identified | None = None  #: who the session is, as it said at its last login
        self._liveness = (LivenessState.DOWN, self.change.at)
        self._being_logged_out = False

    @property
    def session_id(self) -> str:
        return self.spec.session_id

    @property
    def status(self) -> SessionStatus:
        return self.change.status

    @property
    def liveness(self) -> Liveness:
        """Whether frames flow, as far as it is known."""
        state, since = self._liveness
        return Liveness(
            state=state,
            since=since,
            reason=None if state in (LivenessState.LIVE, LivenessState.DOWN) else self.change.reason,
            last_frame_at=self.pulse.last_frame_at,
            last_proof_at=self.pulse.last_proof_at,
            keepalive_failures=self.keepalive_failures,
            probe_ms=self.pulse.probe_ms,
            recycles=self.recycles,
        )

    @contextmanager
    def being_logged_out(self) -> Iterator[None]:
        """While we ask WhatsApp to unlink the session: to the library it looks as if the phone had done it."""
        self._being_logged_out = True
        try:
            yield
        finally:
            self._being_logged_out = False

    def set(
        self,
        status: SessionStatus,
        reason: Reason | None = None,
        *,
        live: bool = False,
        detail: str = "",
        until: float | None = None,
        code: int | None = None,
    ) -> None:
        """Change the status and tell the listener, if it is a change."""
        if self._being_logged_out and reason is Reason.UNLINKED_FROM_PHONE:
            reason, code = Reason.UNLINKED_HERE, None
        change = StatusChange(
            session_id=self.session_id,
            status=status,
            live=live,
            reason=reason,
            detail=detail,
            until=until,
            code=code,
            at=self._clock(),
        )
        if msgspec.structs.replace(change, at=self.change.at) == self.change:
            return
        if not may_follow(self.status, status):
            _log.error("session went from %s to %s, which is not foreseen", self.status, status)
        self.change = change
        self._note_liveness(change)
        self.delivery.put_status(change)

    def set_down(self, reason: Reason, *, detail: str = "", until: float | None = None) -> None:
        """The session is not connected for now and will come back by itself."""
        status = SessionStatus.RECONNECTING if self.status in _WAS_UP else SessionStatus.CONNECTING
        self.set(status, reason, detail=detail, until=until)

    def take(self, event: Event) -> None:
        """Let one of the session's own reports change its status. After its end only a new start does."""
        if self.status in NEEDS_A_PERSON:
            return
        match event:
            case Identified():
                self.identity = event
            case Connected():
                self.keepalive_failures = 0
                self.pulse = msgspec.structs.replace(self.pulse, overdue_seconds=0.0, held_seconds=0.0)
                self.set(SessionStatus.CONNECTED, live=True)
            case Disconnected(reason=reason):
                self.set_down(reason)
            case KeepAlive(failures=failures):
                self.keepalive_failures = failures
                self._judge()
            case Ended(reason=reason, until=until, code=code):
                self.set(status_after(reason), reason, until=until, code=code)

    def recycle(self) -> None:
        """It gets a new worker because of what it suffers from; that trouble is the old one's."""
        self.recycles += 1
        self.keepalive_failures = 0
        self.pulse = msgspec.structs.replace(self.pulse, overdue_seconds=0.0, held_seconds=0.0)

    def take_pulse(self, pulse: Pulse) -> None:
        """Hear from the worker how the session is."""
        if pulse.last_proof_at is None:
            # A new worker has seen nothing yet; what its predecessor saw still holds.
            pulse = msgspec.structs.replace(
                pulse, last_proof_at=self.pulse.last_proof_at, last_frame_at=self.pulse.last_frame_at
            )
        self.pulse = pulse
        self._judge()

    def _judge(self) -> None:
        if self.status is SessionStatus.CONNECTED:
            trouble = trouble_of(self.pulse, keepalive_failures=self.keepalive_failures)
            self.set(SessionStatus.CONNECTED, trouble, live=trouble is None)

    def _note_liveness(self, change: StatusChange) -> None:
        state = LivenessState.DOWN
        if change.status is SessionStatus.CONNECTED:
            state = LivenessState.LIVE if change.live else LivenessState.DEGRADED
        elif change.reason is Reason.ENGINE_DEAF:
            state = LivenessState.DEAF
        if state is not self._liveness[0]:
            self._liveness = (state, change.at)
