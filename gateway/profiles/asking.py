"""Asks WhatsApp about people through a caller's session."""

from __future__ import annotations

from gateway.contacts.service import Contacts
from gateway.db.tx import Database, Tx
from gateway.fleet.errors import SessionNotPairedError
from gateway.fleet.models import Session
from gateway.fleet.render import session_id
from gateway.fleet.service import Sessions
from gateway.kit.errors import FieldError, InvalidError
from gateway.messages.recipients import read_recipient
from gateway.principal import Principal
from sessions.address import Address, AddressKind
from sessions.commands.every import AnyCommand, AnyResult
from sessions.engine import Engine

ENGINE_SECONDS = 30.0
#: What every route that asks a session may answer.
SESSION_ERRORS = ("session_not_found", "session_not_paired", "session_not_running", "session_not_connected")


class Asking:
    """Finds the session and the people that a caller names, and puts questions to the engine."""

    def __init__(self, *, database: Database, engine: Engine, sessions: Sessions, contacts: Contacts) -> None:
        self._database = database
        self._engine = engine
        self._sessions = sessions
        self._contacts = contacts

    async def session(self, principal: Principal, ref: str) -> Session:
        """The session, which must have a phone."""
        session = await self._database.read(lambda tx: self._sessions.get(tx, principal, ref))
        if not session.is_paired:
            raise SessionNotPairedError
        return session

    async def ask(self, session: Session, command: AnyCommand) -> AnyResult:
        """The engine's answer; raises SessionError."""
        return await self._engine.call(session_id(session), command, timeout_seconds=ENGINE_SECONDS)

    async def people(self, principal: Principal, texts: list[str], *, field: str) -> list[Address]:
        """Whom these numbers, addresses or ids of contacts name."""
        return await self._database.read(
            lambda tx: [
                self._person(tx, principal, text, field if len(texts) == 1 else f"{field}.{index}")
                for index, text in enumerate(texts)
            ]
        )

    async def person(self, principal: Principal, text: str, *, field: str = "who") -> Address:
        """Whom this number, address or id of a contact names."""
        return (await self.people(principal, [text], field=field))[0]

    def note_name(self, session: Session, name: str) -> None:
        """Keep the account's new name in the row that is at hand."""
        session.push_name = name

    def _person(self, tx: Tx, principal: Principal, text: str, field: str) -> Address:
        recipient = read_recipient(text, field=field)
        if recipient.contact_id is not None:
            return self._contacts.get(tx, org_id=principal.org_id, contact_id=recipient.contact_id).address
        assert recipient.address is not None, "a recipient is a contact or an address"
        if recipient.address.kind is not AddressKind.PERSON:
            problem = "This is not a person."
            raise InvalidError(problem, code="recipient_invalid", fields=(FieldError(path=field, problem=problem),))
        return recipient.address
