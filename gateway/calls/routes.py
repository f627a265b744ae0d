"""Calls over HTTP."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from gateway.api.fields import id_in_path
from gateway.api.paging import PageQuery, page_of
from gateway.api.route import Call, route
from gateway.calls.models import CallState, PhoneCall
from gateway.calls.render import caller_of, render_call
from gateway.calls.service import Calls
from gateway.contacts.models import Contact
from gateway.db.tx import Database, Tx
from gateway.fleet.models import Session
from gateway.fleet.render import session_id
from gateway.fleet.service import Sessions
from gateway.kit.errors import ConflictError
from gateway.principal import Principal
from sessions.commands.calls import RejectCall
from sessions.engine import Engine

_ENGINE_SECONDS = 15.0


class CallOut(BaseModel):
    """One call to the linked account."""

    id: str = Field(examples=["cal_0dq1m8k3v2a7c"])
    session: str
    contact: str | None
    phone: str | None
    jid: str
    lid: str | None
    video: bool
    state: Literal["ringing", "accepted", "rejected", "missed", "ended"] = Field(
        description="`missed` also where nothing more was heard of it within two minutes; where the phone itself had "
        "dealt with it and that is heard later, it becomes `accepted` or `rejected`."
    )
    offered_at: str
    ended_at: str | None


class CallPage(BaseModel):
    items: list[CallOut]
    next: str | None


class CallRoutes:
    """``/api/v1/sessions/{session}/calls``."""

    def __init__(self, *, database: Database, engine: Engine, sessions: Sessions, calls: Calls) -> None:
        self._database = database
        self._engine = engine
        self._sessions = sessions
        self._calls = calls

    @route(
        "GET",
        "/api/v1/sessions/{session}/calls",
        operation="calls.list",
        summary="List calls to the linked account, newest first",
        tag="calls",
        query=PageQuery,
        gives=CallPage,
        errors=("session_not_found",),
    )
    async def list(self, call: Call) -> dict[str, object]:
        principal, query, reference = call.caller, call.query, call.path["session"]
        position = query.position()

        def read(tx: Tx) -> dict[str, object]:
            session = self._sessions.get(tx, principal, reference)
            rows = self._calls.page(tx, session, limit=query.limit + 1, before_id=position)
            kept, following = page_of(rows, limit=query.limit, position=lambda row: row[0].id)
            return {"items": [render_call(*row) for row in kept], "next": following}

        return await self._database.read(read)

    @route(
        "POST",
        "/api/v1/sessions/{session}/calls/{id}/reject",
        operation="calls.reject",
        summary="Decline a call that rings",
        tag="calls",
        gives=CallOut,
        errors=("session_not_found", "call_not_found", "call_over", "session_not_running", "session_not_connected"),
    )
    async def reject(self, call: Call) -> dict[str, object]:
        principal, reference = call.caller, call.path["session"]
        call_id = id_in_path("cal", call.path["id"], code="call_not_found")
        session, rings, contact = await self._database.read(lambda tx: self._find(tx, principal, reference, call_id))
        if rings.state != CallState.RINGING:
            raise ConflictError("The call rings no more.", code="call_over")
        command = RejectCall(call_id=rings.wa_id, caller=caller_of(rings, contact))
        await self._engine.call(session_id(session), command, timeout_seconds=_ENGINE_SECONDS)

        def note(tx: Tx) -> dict[str, object]:
            self._calls.rejected(tx, org_id=session.org_id, session_id=session.id, wa_id=rings.wa_id)
            return render_call(*self._calls.get(tx, session, call_id))

        return await self._database.write(note)

    def _find(
        self, tx: Tx, principal: Principal, reference: str, call_id: int
    ) -> tuple[Session, PhoneCall, Contact | None]:
        session = self._sessions.get(tx, principal, reference)
        return session, *self._calls.get(tx, session, call_id)
