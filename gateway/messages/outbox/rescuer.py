"""Settles what a daemon that died had handed to its workers: by proof from the key store, never by hope."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import structlog

from gateway.db.tx import Database, Tx
from gateway.fleet.models import Session
from gateway.fleet.specs import Specs
from gateway.kit.clock import Clock
from gateway.kit.ids import render_id
from gateway.messages import store
from gateway.messages.models import Message
from gateway.messages.outbox import control_store, queue_store
from gateway.messages.outbox.candidates import count_if_sent
from gateway.messages.progress import Progress
from gateway.messages.states import MessageState
from gateway.messages.store import Entry
from gateway.pacing.gate import Gate
from sessions.engine import Engine
from sessions.errors import StoreError, WorkerLostError

log = structlog.get_logger(__name__)

_ERROR = (WorkerLostError.code, "The gateway was stopped before WhatsApp answered.")


class Rescuer:
    """Runs once, before any session is started: nothing that was in flight can still be written then."""

    def __init__(
        self, *, database: Database, engine: Engine, clock: Clock, specs: Specs, gate: Gate, progress: Progress
    ) -> None:
        self._database = database
        self._clock = clock
        self._gate = gate
        self._engine = engine
        self._specs = specs
        self._progress = progress

    async def run(self) -> int:
        """Settle every message in flight; gives how many there were."""
        entries = await self._database.read(queue_store.list_in_flight)
        for entry in entries:
            await self._rescue(entry)
        if entries:
            log.info("messages in flight rescued", count=len(entries))
        return len(entries)

    async def rescue_stranded(self, *, busy: Callable[[int], bool]) -> None:
        """Settle what a lane that failed left behind: nobody is sending it, and nobody will say how it ended."""
        for entry in await self._database.read(queue_store.list_in_flight):
            message = entry.message
            if message.state == MessageState.SENDING and not busy(message.session_id):
                await self._rescue(entry)

    async def rescue_overdue(self) -> frozenset[int]:
        """Settle what is in flight beyond its claim; gives the sessions. No row in the key store of a living worker
        proves nothing yet, so such a message is uncertain, and looked up again later."""
        now = self._clock.now()
        entries = await self._database.read(lambda tx: control_store.list_overdue(tx, at=now))
        for entry in entries:
            message = entry.message
            wa_id = await self._find(message)
            await self._database.write(partial(self._leave, seen=message, wa_id=wa_id))
            log.warning("send overdue", message_id=render_id("msg", message.id), is_filed=wa_id is not None)
        return frozenset(entry.message.session_id for entry in entries)

    async def _find(self, message: Message) -> str | None:
        session = await self._database.read(lambda tx: self._session(tx, message.session_id))
        try:
            return await self._engine.find_by_secret(self._specs.of(session), message.secret or b"")
        except StoreError:
            return None

    async def _rescue(self, entry: Entry) -> None:
        message = entry.message
        session = await self._database.read(lambda tx: self._session(tx, message.session_id))
        spec = self._specs.of(session)
        try:
            wa_id = await self._engine.find_by_secret(spec, message.secret or b"")
            if wa_id is None and (session.paired_at is None or session.paired_at > message.updated_at):
                raise StoreError("The phone was linked anew since; what was filed before is gone.")
        except StoreError as error:
            log.warning("key store proves nothing", session_id=spec.session_id, code=error.code)
            await self._database.write(lambda tx: self._leave(tx, message))
            return
        await self._database.write(lambda tx: self._settle(tx, message, wa_id))

    def _session(self, tx: Tx, session_id: int) -> Session:
        session = tx.session.get(Session, session_id)
        assert session is not None, "messages refer to their session"
        return session

    def _settle(self, tx: Tx, seen: Message, wa_id: str | None) -> None:
        entry = self._still_as(tx, seen)
        if entry is None:
            return
        if wa_id is None:
            self._progress.put_back(tx, entry, until=None, reason="rescued", counted=False)
        elif entry.message.state == MessageState.UNCERTAIN:
            entry.message.wa_id = wa_id
            self._progress.catch_up(tx, entry)
        else:
            self._settle_uncertain(tx, entry, wa_id)
        log.info("message rescued", message_id=render_id("msg", seen.id), state=entry.message.state)

    def _leave(self, tx: Tx, seen: Message, *, wa_id: str | None = None) -> None:
        entry = self._still_as(tx, seen)
        if entry is not None and entry.message.state == MessageState.SENDING:
            self._settle_uncertain(tx, entry, wa_id)

    def _settle_uncertain(self, tx: Tx, entry: Entry, wa_id: str | None) -> None:
        self._progress.doubt(tx, entry, wa_id=wa_id, error=_ERROR)
        session = self._session(tx, entry.message.session_id)
        count_if_sent(tx, entry, session, gate=self._gate, at=self._clock.now())

    def _still_as(self, tx: Tx, seen: Message) -> Entry | None:
        """The message, unless somebody has settled or claimed it since it was looked at."""
        entry = store.find(tx, org_id=seen.org_id, message_id=seen.id)
        if entry is None or entry.message.state != seen.state or entry.message.claimed_until != seen.claimed_until:
            return None
        return entry
