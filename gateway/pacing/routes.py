"""The pace of sessions over HTTP."""

from __future__ import annotations

from gateway.api.route import Call, route
from gateway.db.tx import Database, Tx
from gateway.fleet.service import Sessions
from gateway.kit.clock import Clock
from gateway.pacing.outlook import Outlook
from gateway.pacing.schemas import PaceOut


class PaceRoutes:
    """``/api/v1/sessions/{session}/pace``."""

    def __init__(self, *, database: Database, clock: Clock, sessions: Sessions, outlook: Outlook) -> None:
        self._database = database
        self._clock = clock
        self._sessions = sessions
        self._outlook = outlook

    @route(
        "GET",
        "/api/v1/sessions/{session}/pace",
        operation="sessions.pace",
        summary="How fast a session may send today",
        tag="sessions",
        scope="sessions.read",
        description="What was sent today, the caps in force, and when the next message of each class may go. "
        "Change it with `settings.pace` of the session.",
        gives=PaceOut,
        errors=("session_not_found",),
    )
    async def read(self, call: Call) -> dict[str, object]:
        def look(tx: Tx) -> dict[str, object]:
            session = self._sessions.get(tx, call.caller, call.path["session"])
            return self._outlook.of(tx, session, at=self._clock.now())

        return await self._database.read(look)
