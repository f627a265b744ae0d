"""What the supervisor knows of one session, and how the session's own reports change it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec

from sessions.delivery import Delivery
from sessions.engine import StatusChange
from sessions.events import Connected, Disconnected, Ended, Event, KeepAlive
from sessions.protocol import SessionSpec
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
        self._being_logged_out = False

    @property
    def session_id(self) -> str:
        return self.spec.session_id

    @property
    def status(self) -> SessionStatus:
        return self.change.status

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
    ) -> None:
        """Change the status and tell the listener, if it is a change."""
        if self._being_logged_out and reason is Reason.UNLINKED_FROM_PHONE:
            reason = Reason.UNLINKED_HERE
        change = StatusChange(
            session_id=self.session_id,
            status=status,
            live=live,
            reason=reason,
            detail=detail,
            until=until,
            at=self._clock(),
        )
        if msgspec.structs.replace(change, at=self.change.at) == self.change:
            return
        if not may_follow(self.status, status):
            _log.error("session went from %s to %s, which is not foreseen", self.status, status)
        self.change = change
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
            case Connected():
                self.keepalive_failures = 0
                self.set(SessionStatus.CONNECTED, live=True)
            case Disconnected(reason=reason):
                self.set_down(reason)
            case KeepAlive(failures=failures):
                self.keepalive_failures = failures
                if self.status is SessionStatus.CONNECTED:
                    self.set(SessionStatus.CONNECTED, live=failures == 0)
            case Ended(reason=reason, until=until):
                self.set(status_after(reason), reason, until=until)
