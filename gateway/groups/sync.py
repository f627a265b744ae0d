"""Looks at all groups of a session when it connects, and at one of them when news of it left something open."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

import structlog

from gateway.db.tx import Database, Tx
from gateway.fleet.models import Session
from gateway.fleet.service import Sessions
from gateway.groups import store
from gateway.groups.service import Groups
from gateway.kit.clock import Clock
from gateway.kit.ids import render_id
from gateway.kit.service import Wakeable
from sessions.address import Address
from sessions.commands.groups import GetGroup, GroupFound, GroupsListed, ListGroups
from sessions.engine import Engine, StatusChange
from sessions.errors import InvalidRequestError, NotConnectedError, NotRunningError, RecipientUnknownError, SessionError
from sessions.events import GroupChanged, OfflineSyncCompleted, Report
from sessions.groups import GroupInfo
from sessions.status import SessionStatus

log = structlog.get_logger(__name__)

_ASK_SECONDS = 60.0
_RETRY_SECONDS = 10.0


class GroupSync(Wakeable):
    """Each pass asks for what is wanted; what could not be had is asked for again while the session is connected."""

    def __init__(self, *, database: Database, engine: Engine, clock: Clock, sessions: Sessions, groups: Groups) -> None:
        super().__init__(interval_seconds=300.0)
        self._clock = clock
        self._database = database
        self._engine = engine
        self._sessions = sessions
        self._groups = groups
        self._whole: dict[int, None] = {}
        self._single: dict[int, set[Address]] = defaultdict(set)

    def caught_up(self, session_id: int, report: Report) -> None:
        """A session has been given everything that waited for it."""
        assert isinstance(report.event, OfflineSyncCompleted)
        self._whole[session_id] = None
        self.wake()

    def changed(self, session_id: int, report: Report) -> None:
        """Newcomers are told under one name only, and of groups that we do not know nothing was filed."""
        event = report.event
        assert isinstance(event, GroupChanged)
        self._single[session_id].add(event.group)
        self.wake()

    def status_changed(self, session_id: int, change: StatusChange) -> None:
        """Nothing can be asked of a session that is not connected; it is looked at when it is back."""
        if change.status is not SessionStatus.CONNECTED:
            self._whole.pop(session_id, None)
            self._single.pop(session_id, None)

    async def run_once(self) -> float | None:
        """Ask for everything that is wanted now."""
        whole, self._whole = self._whole, {}
        single, self._single = self._single, defaultdict(set)
        is_complete = True
        for session_id in whole:
            if not await self._attempt(session_id, None):
                self._whole[session_id], is_complete = None, False
        for session_id, addresses in single.items():
            for address in addresses if session_id not in whole else ():
                if not await self._attempt(session_id, address):
                    self._single[session_id].add(address)
                    is_complete = False
        return None if is_complete else _RETRY_SECONDS

    async def _attempt(self, session_id: int, address: Address | None) -> bool:
        """Whether there is nothing left to ask."""
        try:
            await (self._look_at_all(session_id) if address is None else self._look_at(session_id, address))
        except (NotConnectedError, NotRunningError):
            return True  # asked again when it connects
        except (InvalidRequestError, RecipientUnknownError):
            return True  # the account is not in it any more, of which it is told
        except SessionError as error:
            log.warning("groups not looked at", session_id=render_id("ses", session_id), code=error.code)
            return False
        return True

    async def _look_at_all(self, session_id: int) -> None:
        asked_at = self._clock.now()
        answer = await self._engine.call(render_id("ses", session_id), ListGroups(), timeout_seconds=_ASK_SECONDS)
        assert isinstance(answer, GroupsListed), "the engine answers ListGroups with GroupsListed"
        await self._database.write(lambda tx: self._file_all(tx, session_id, answer.groups, asked_at))

    async def _look_at(self, session_id: int, address: Address) -> None:
        asked = await self._database.read(lambda tx: self._leaves_something_open(tx, session_id, address))
        if not asked:
            return
        command = GetGroup(group=address)
        answer = await self._engine.call(render_id("ses", session_id), command, timeout_seconds=_ASK_SECONDS)
        assert isinstance(answer, GroupFound), "the engine answers GetGroup with GroupFound"
        await self._database.write(lambda tx: self._file(tx, session_id, answer.group))

    def _leaves_something_open(self, tx: Tx, session_id: int, address: Address) -> bool:
        session = self._find(tx, session_id)
        group = self._groups.find_at(tx, session, address) if session else None
        if session is None or (group is not None and not group.is_member):
            return False
        if group is None:
            return True
        return any(person.contact.phone is None for person in self._groups.members(tx, group))

    def _file_all(self, tx: Tx, session_id: int, found: tuple[GroupInfo, ...], asked_at: datetime) -> None:
        session = self._find(tx, session_id)
        if session is None:
            return
        known = store.list_of_session(tx, org_id=session.org_id, session_id=session_id)
        for info in found:
            # What a newly linked phone was in all along is no news.
            self._groups.take(tx, session, info, quiet=not known)
        there = {str(info.group.primary) for info in found}
        for group in known:
            # One that the account came into after the question is not in the answer.
            if group.is_member and group.jid not in there and group.updated_at < asked_at:
                self._groups.gone(tx, group, "gone")

    def _file(self, tx: Tx, session_id: int, info: GroupInfo) -> None:
        session = self._find(tx, session_id)
        if session is not None:
            self._groups.take(tx, session, info)

    def _find(self, tx: Tx, session_id: int) -> Session | None:
        return self._sessions.find_present(tx, session_id)
