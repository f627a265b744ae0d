"""Declines calls for sessions whose settings say so, and writes to the caller."""

from __future__ import annotations

import asyncio
from contextvars import Context
from dataclasses import dataclass

import structlog

from gateway.calls.service import Calls
from gateway.contacts.service import Contacts
from gateway.db.tx import Database, Tx
from gateway.fleet.models import Session
from gateway.fleet.service import Sessions
from gateway.kit.ids import render_id
from gateway.messages.requests import MessageIn
from gateway.messages.service import Messages
from gateway.principal import Principal, PrincipalKind
from sessions.address import Address, AddressKind
from sessions.commands.calls import RejectCall
from sessions.content import Text
from sessions.engine import Engine
from sessions.errors import SessionError
from sessions.events import CallReceived, Report

log = structlog.get_logger(__name__)

_ENGINE_SECONDS = 15.0
#: A call that was offered so long ago rings no more.
_STALE_SECONDS = 60.0


@dataclass(frozen=True)
class Wish:
    """What a session does with calls."""

    session: Session
    text: str | None


class CallDecliner:
    """Observes calls once they are committed.

    A call that was offered in the past rings no more and is let be; so are those of whom the session ignores.
    """

    def __init__(
        self,
        *,
        database: Database,
        engine: Engine,
        sessions: Sessions,
        contacts: Contacts,
        messages: Messages,
        calls: Calls,
    ) -> None:
        self._database = database
        self._engine = engine
        self._sessions = sessions
        self._contacts = contacts
        self._messages = messages
        self._calls = calls
        self._tasks: set[asyncio.Task[None]] = set()

    def called(self, session_id: int, report: Report) -> None:
        """Observe a call."""
        call = report.event
        assert isinstance(call, CallReceived)
        if call.phase != "offer" or report.received_at - call.timestamp > _STALE_SECONDS:
            return
        task = asyncio.create_task(self._decline(session_id, call), name="decline call", context=Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Let go of calls that are being declined."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _decline(self, session_id: int, call: CallReceived) -> None:
        wish = await self._database.read(lambda tx: self._wish(tx, session_id, call.caller))
        if wish is None:
            return
        name = render_id("ses", session_id)
        try:
            command = RejectCall(call_id=call.call_id, caller=call.caller)
            await self._engine.call(name, command, timeout_seconds=_ENGINE_SECONDS)
        except SessionError as error:
            log.warning("call not declined", session_id=name, code=error.code)
            return
        log.info("call declined", session_id=name)
        await self._database.write(lambda tx: self._note(tx, wish, call))

    def _wish(self, tx: Tx, session_id: int, caller: Address) -> Wish | None:
        session = self._sessions.present(tx, session_id)
        calls = session.settings.get("calls") if session is not None else None
        if session is None or not isinstance(calls, dict) or not calls.get("reject"):
            return None
        if self._calls.ignores(tx, session, caller):
            return None
        return Wish(session, calls.get("text"))

    def _note(self, tx: Tx, wish: Wish, call: CallReceived) -> None:
        session = wish.session
        self._calls.rejected(tx, org_id=session.org_id, session_id=session.id, wa_id=call.call_id)
        if wish.text is not None and call.caller.kind is AddressKind.PERSON:
            self._write(tx, session, call.caller, wish.text)

    def _write(self, tx: Tx, session: Session, caller: Address, body: str) -> None:
        contact = self._contacts.identify(tx, org_id=session.org_id, address=caller)
        request = MessageIn.model_validate(
            {
                "session": render_id("ses", session.id),
                "to": render_id("con", contact.id),
                "type": "text",
                "text": {"body": body},
                "purpose": "reply",
            }
        )
        principal = Principal(org_id=session.org_id, kind=PrincipalKind.SYSTEM, subject_id=None, scopes=("*",))
        self._messages.queue(tx, principal, request, content=Text(body=body), media_id=None)
