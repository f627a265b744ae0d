"""What callers ask of a session beyond its record: a new worker, or an end of the link."""

from __future__ import annotations

from gateway.db.tx import Database, Tx
from gateway.fleet import store
from gateway.fleet.errors import SessionNotConnectedError, SessionNotFoundError, SessionNotPairedError
from gateway.fleet.models import Session
from gateway.fleet.reconciler import Reconciler
from gateway.fleet.service import Sessions
from gateway.fleet.specs import Specs
from gateway.fleet.unlinker import Unlinker
from sessions.errors import SessionError
from sessions.status import Reason


class Lifecycle:
    """Stands between those who ask and the reconciler."""

    def __init__(
        self,
        *,
        database: Database,
        sessions: Sessions,
        specs: Specs,
        unlinker: Unlinker,
        reconciler: Reconciler,
    ) -> None:
        self._database = database
        self._sessions = sessions
        self._specs = specs
        self._unlinker = unlinker
        self._reconciler = reconciler

    def changed(self) -> None:
        """A record was changed: look at once."""
        self._reconciler.wake()

    async def restart(self, session: Session) -> None:
        """Give the session a new worker."""
        await self._reconciler.restart(session)

    async def log_out(self, session: Session, *, force: bool) -> Session:
        """Unlink at WhatsApp, then delete the keys. ``force`` goes on when WhatsApp cannot be told."""
        if not session.is_paired:
            raise SessionNotPairedError
        try:
            await self._unlinker.unlink_now(self._specs.of(session))
        except SessionError as error:
            if not force:
                raise SessionNotConnectedError(
                    "WhatsApp cannot be told just now, so nothing was changed. Try again once the session is "
                    "connected, or unlink the device on the phone (Settings, Linked devices)."
                ) from error
        unlinked = await self._database.write(lambda tx: self._unlinked(tx, session.id))
        self._reconciler.wake()
        return unlinked

    def _unlinked(self, tx: Tx, session_id: int) -> Session:
        session = store.find_to_change(tx, session_id=session_id)
        if session is None:
            raise SessionNotFoundError
        self._sessions.unlinked(tx, session, Reason.UNLINKED_HERE)
        return session
