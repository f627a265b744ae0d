"""Takes this device off the phone's list of linked devices."""

from __future__ import annotations

import asyncio
from collections import defaultdict

import structlog

from gateway.fleet.render import SESSION_PREFIX
from gateway.kit.ids import parse_id
from sessions.commands.linking import LogOut
from sessions.engine import Engine, StatusChange
from sessions.errors import NotConnectedError, NotRunningError, SessionError
from sessions.protocol import SessionSpec
from sessions.status import NEEDS_A_PERSON, SessionStatus

log = structlog.get_logger(__name__)

_AT_REST = NEEDS_A_PERSON | {SessionStatus.STOPPED}


class Unlinker:
    """Asks WhatsApp to forget a device. Only a connected session can ask."""

    def __init__(self, *, engine: Engine) -> None:
        self._engine = engine
        self._changed: defaultdict[int, asyncio.Event] = defaultdict(asyncio.Event)

    def status_changed(self, session_id: int, change: StatusChange) -> None:
        """Observe statuses, so that waiting for a connection needs no polling."""
        if session_id in self._changed:
            self._changed[session_id].set()

    async def unlink_now(self, spec: SessionSpec, *, timeout_seconds: float = 20.0) -> None:
        """Ask at once; raises a SessionError when the session cannot."""
        await self._engine.call(spec.session_id, LogOut(), timeout_seconds=timeout_seconds)

    async def unlink_patiently(self, spec: SessionSpec, *, timeout_seconds: float) -> bool:
        """Start the session if need be, wait for its connection, and ask. Give whether WhatsApp confirmed."""
        if self._engine.status(spec.session_id).status in _AT_REST:
            await self._engine.run(spec)
        session_id = parse_id(SESSION_PREFIX, spec.session_id)
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._until_asked(spec, session_id)
        except (TimeoutError, SessionError) as error:
            log.warning("unlinking not confirmed", session_id=spec.session_id, error=type(error).__name__)
            return False
        finally:
            self._changed.pop(session_id, None)
        return True

    async def _until_asked(self, spec: SessionSpec, session_id: int) -> None:
        while True:
            changed = self._changed[session_id]
            changed.clear()
            try:
                await self.unlink_now(spec)
            except (NotRunningError, NotConnectedError):
                await changed.wait()
            else:
                return
