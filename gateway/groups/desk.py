"""Asks WhatsApp about groups and has it change them, then files what is so afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.contacts.service import Contacts
from gateway.db.tx import Database, Tx
from gateway.fleet.errors import SessionNotPairedError
from gateway.fleet.models import Session
from gateway.fleet.service import Sessions
from gateway.groups.errors import NotInGroupError
from gateway.groups.models import Group
from gateway.groups.render import render_group
from gateway.groups.service import Groups
from gateway.kit.ids import render_id
from gateway.messages.recipients import read_recipient
from gateway.principal import Principal
from sessions.address import Address, AddressKind, Jid
from sessions.commands.every import AnyCommand, AnyResult
from sessions.commands.groups import GetGroup, GroupFound
from sessions.engine import Engine
from sessions.errors import InvalidRequestError
from sessions.groups import GroupInfo

ASK_SECONDS = 60.0


@dataclass(frozen=True)
class Seat:
    """A group, and the session through which it is spoken about."""

    group: Group
    session: Session

    @property
    def address(self) -> Address:
        """The group on WhatsApp."""
        return Address(other=Jid.parse(self.group.jid))


class GroupDesk:
    """What the routes of the slice share."""

    def __init__(
        self, *, database: Database, engine: Engine, sessions: Sessions, contacts: Contacts, groups: Groups
    ) -> None:
        self.database = database
        self.contacts = contacts
        self.groups = groups
        self._engine = engine
        self._sessions = sessions

    async def seat(self, principal: Principal, reference: str, *, member: bool = True) -> Seat:
        """The group and its session; with ``member`` only while the account is in the group."""

        def read(tx: Tx) -> Seat:
            group = self.groups.get(tx, principal, reference)
            return Seat(group, self._sessions.get(tx, principal, render_id("ses", group.session_id)))

        seat = await self.database.read(read)
        if member and not seat.group.is_member:
            raise NotInGroupError
        return seat

    async def session(self, principal: Principal, reference: str) -> Session:
        """A session that a phone is linked to."""
        session = await self.database.read(lambda tx: self._sessions.get(tx, principal, reference))
        if not session.is_paired:
            raise SessionNotPairedError
        return session

    async def people(self, principal: Principal, given: Sequence[str], *, field: str = "participants") -> list[Address]:
        """The addresses of those who are named; raises InvalidError that says which is none."""
        recipients = [read_recipient(text, field=f"{field}.{index}") for index, text in enumerate(given)]

        def read(tx: Tx) -> list[Address]:
            found = []
            for one in recipients:
                address = one.address
                if address is None and one.contact_id is not None:
                    address = self.contacts.get(tx, org_id=principal.org_id, contact_id=one.contact_id).address
                if address is None or address.kind is not AddressKind.PERSON:
                    raise InvalidRequestError("Only people can be members of a group.")
                found.append(address)
            return found

        return await self.database.read(read)

    async def ask(self, session: Session, command: AnyCommand) -> AnyResult:
        """Have a session's engine do something."""
        return await self._engine.call(render_id("ses", session.id), command, timeout_seconds=ASK_SECONDS)

    async def look_again(self, seat: Seat) -> dict[str, object]:
        """Ask WhatsApp how the group is now, file it, and show it."""
        answer = await self.ask(seat.session, GetGroup(group=seat.address))
        assert isinstance(answer, GroupFound), "the engine answers GetGroup with GroupFound"
        return await self.file(seat.session, answer.group)

    async def file(self, session: Session, info: GroupInfo, *, reason: str = "") -> dict[str, object]:
        """File what WhatsApp says of a group, and show it with its members."""

        def write(tx: Tx) -> dict[str, object]:
            group = self.groups.take(tx, session, info, reason=reason)
            return render_group(group, self.groups.members(tx, group))

        return await self.database.write(write)
