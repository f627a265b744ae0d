"""What an operator does on the command line beside a running daemon: users, keys, a look at the sessions."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from gateway.access.accounts import Accounts
from gateway.access.models import Role, User
from gateway.access.passwords import Passwords
from gateway.access.service import EVERYTHING, Access
from gateway.access.throttle import SignInThrottle
from gateway.config.settings import Config
from gateway.db.tx import Database, Tx
from gateway.events.service import EventLog
from gateway.fleet.models import Session
from gateway.fleet.service import Sessions
from gateway.kit.clock import Clock, SystemClock
from gateway.kit.ids import IdGenerator
from gateway.orgs.service import DEFAULT_ORG_ID, Orgs
from gateway.principal import Principal, PrincipalKind
from gateway.startup import visited_store
from gateway.webhooks.fanout import Fanout
from sessions.protocol import Loopback

_PAGE = 200
OPERATOR = Principal(org_id=DEFAULT_ORG_ID, kind=PrincipalKind.SYSTEM, subject_id=None, scopes=EVERYTHING)


class _Elsewhere:
    """The lanes run in the daemon, which finds what is written here when it next looks."""

    def nudge(self, webhook_id: int) -> None:
        """Nobody here delivers."""

    def changed(self, webhook_id: int) -> None:
        """Nobody here delivers."""


def visiting_log(*, clock: Clock, ids: IdGenerator) -> EventLog:
    """The event log as a command writes to it: webhooks are told, by the daemon."""
    events = EventLog(clock=clock)
    events.subscribe(Fanout(clock=clock, ids=ids, lanes=_Elsewhere()))
    return events


class Admin:
    """Works on the store directly; a running daemon sees what changed within a second."""

    def __init__(self, *, database: Database) -> None:
        clock = SystemClock()
        ids = IdGenerator(clock=clock, chance=random.SystemRandom())
        events = visiting_log(clock=clock, ids=ids)
        self._database = database
        self._orgs = Orgs(clock=clock)
        self._access = Access(clock=clock, ids=ids, events=events)
        self._sessions = Sessions(clock=clock, ids=ids, events=events)
        self._accounts = Accounts(
            database=database, clock=clock, ids=ids, passwords=Passwords(), throttle=SignInThrottle(clock=clock)
        )

    async def create_key(self, *, name: str, scopes: Sequence[str], sessions: Sequence[str]) -> str:
        """A new API key, in plain text; ``sessions`` limits it to some, by id or name."""

        def work(tx: Tx) -> str:
            self._orgs.ensure_default(tx)
            ids = [self._sessions.get(tx, OPERATOR, reference).id for reference in sessions]
            _row, plaintext = self._access.create_key(
                tx, org_id=DEFAULT_ORG_ID, name=name, scopes=scopes, session_ids=ids or None
            )
            return plaintext

        return await self._database.write(work)

    async def add_user(self, *, name: str, email: str, password: str, role: Role) -> User:
        """A new user who can sign in."""
        await self._database.write(self._orgs.ensure_default)
        return await self._accounts.add_user(
            org_id=DEFAULT_ORG_ID, name=name, email=email, password=password, role=role
        )

    async def list_sessions(self) -> Sequence[Session]:
        """Every session, oldest first."""
        return await self._database.read(self._all_sessions)

    def _all_sessions(self, tx: Tx) -> list[Session]:
        found: list[Session] = []
        while page := self._sessions.list(tx, OPERATOR, limit=_PAGE, after=found[-1].id if found else None):
            found += page
        return found


@asynccontextmanager
async def visiting_admin(config: Config, loopback: Loopback | None) -> AsyncIterator[Admin]:
    """An admin for the length of one command."""
    async with visited_store(config, loopback) as database:
        yield Admin(database=database)
