"""Empties one session's queue: one message at a time, in order, each settled before the next is touched."""

from __future__ import annotations

import asyncio
import random
from datetime import datetime, timedelta

import structlog

from gateway.contacts.service import Contacts
from gateway.db.tx import Database, Tx
from gateway.fleet.models import Session
from gateway.fleet.specs import Specs
from gateway.kit.clock import Clock
from gateway.kit.errors import UnavailableError
from gateway.kit.ids import render_id
from gateway.kit.observe import Signal
from gateway.messages.arriving.changes import Changes
from gateway.messages.models import Queue
from gateway.messages.outbox import class_store, queue_store
from gateway.messages.outbox.candidates import candidate_of
from gateway.messages.outbox.envelopes import Envelopes, UnsendableError
from gateway.messages.outbox.rests import Rests
from gateway.messages.outbox.settling import OnTimelock, Settler
from gateway.messages.outbox.trying import SEND_TIMEOUT_SECONDS, Claim, Outcome, Tries
from gateway.messages.outbox.typist import Typist
from gateway.messages.progress import Progress
from gateway.messages.states import MessageState
from gateway.messages.store import Entry
from gateway.pacing.gate import Gate
from gateway.pacing.reasons import EXPIRED
from gateway.pacing.typing import typing_seconds
from gateway.pacing.verdict import Answer, Candidate
from sessions.address import AddressKind
from sessions.crash import CrashPoint, crash_point
from sessions.engine import Engine
from sessions.status import SessionStatus

log = structlog.get_logger(__name__)

#: Where nobody sees anybody type.
_SILENT = (AddressKind.STATUS, AddressKind.NEWSLETTER)

CLAIM_SECONDS = SEND_TIMEOUT_SECONDS + 30.0
STORE_RETRY_SECONDS = 1.0


class LaneTools:
    """What all lanes share."""

    def __init__(
        self,
        *,
        database: Database,
        engine: Engine,
        clock: Clock,
        chance: random.Random,
        specs: Specs,
        gate: Gate,
        envelopes: Envelopes,
        progress: Progress,
        contacts: Contacts,
        changes: Changes,
        rests: Rests,
        on_timelock: OnTimelock,
        host_name: str,
    ) -> None:
        self.database = database
        self.engine = engine
        self.clock = clock
        self.specs = specs
        self.gate = gate
        self.envelopes = envelopes
        self.progress = progress
        self.rests = rests
        self.host_name = host_name
        self.chance = chance
        self.typist = Typist(engine=engine)
        self.tries = Tries(engine=engine, envelopes=envelopes, chance=chance, rests=rests)
        self.settler = Settler(
            clock=clock,
            progress=progress,
            contacts=contacts,
            changes=changes,
            gate=gate,
            rests=rests,
            on_timelock=on_timelock,
        )
        self.settled: Signal[int] = Signal()  #: fired with the id of every message whose try has ended


class Lane:
    """One session's outbox while there is something to do; :class:`gateway.messages.outbox.dispatcher.Dispatcher` runs it."""

    def __init__(self, *, session_id: int, tools: LaneTools) -> None:
        self._session_id = session_id
        self._name = render_id("ses", session_id)
        self._tools = tools
        self._hurry = asyncio.Event()

    def ask_to_stop(self) -> None:
        """Take no further message; what is under way may end, without more typing before it."""
        self._hurry.set()

    async def run(self) -> None:
        """Send until nothing is due, the session cannot send, or the lane is asked to stop."""
        claim = await self._tools.database.write(self._look_and_take) if self._may_go_on() else None
        while claim is not None:
            await self._tools.typist.type(claim, hurry=self._hurry)
            outcome = await self._tools.tries.send(claim)
            claim = await self._commit(claim, outcome)
            crash_point(CrashPoint.OUTBOX_SETTLED)

    def _may_go_on(self) -> bool:
        session = self._tools.engine.status(self._name)
        # What is given to a connection that does not answer is only uncertain afterwards.
        if self._hurry.is_set() or session.status is not SessionStatus.CONNECTED or not session.live:
            return False
        return self._tools.rests.of(self._session_id) is None

    async def _commit(self, claim: Claim, outcome: Outcome) -> Claim | None:
        """Write down what came of a try. What WhatsApp said is known only here, so a busy store is asked again."""
        while True:
            try:
                return await self._tools.database.write(lambda tx: self._settle_and_take(tx, claim, outcome))
            except UnavailableError as error:
                log.warning("settling put off", session_id=self._name, code=error.code)
                await asyncio.sleep(STORE_RETRY_SECONDS)

    def _settle_and_take(self, tx: Tx, claim: Claim, outcome: Outcome) -> Claim | None:
        found = queue_store.session_of_lane(tx, session_id=self._session_id)
        assert found is not None, "messages refer to their session"
        self._tools.settler.settle(tx, claim, outcome, session=found[0])
        tx.after_commit(lambda: self._tools.settled.fire(claim.message_id))
        return self._take(tx, *found) if self._may_go_on() else None

    def _look_and_take(self, tx: Tx) -> Claim | None:
        found = queue_store.session_of_lane(tx, session_id=self._session_id)
        return None if found is None else self._take(tx, *found)

    def _take(self, tx: Tx, session: Session, queue: Queue | None) -> Claim | None:
        """Claim the next message that may go now; those that may not are put off or closed on the way."""
        now = self._tools.clock.now()
        self._forget_old_verdicts(tx, session)
        while session.is_paired and (queue is None or queue.paused_at is None):
            closed = self._tools.gate.closures.closed(session.id, at=now)
            entry = queue_store.next_queued(tx, session_id=session.id, closed=closed)
            if entry is None:
                return None
            claim = self._claim(tx, entry, session, now)
            if claim is not None:
                return claim
        return None

    def _forget_old_verdicts(self, tx: Tx, session: Session) -> None:
        """After a change of pace or standing, and once after a start, all that the gate had put off is judged anew."""
        if self._tools.gate.has_new_basis(session):
            class_store.end_holds_of_gate(tx, org_id=session.org_id, session_id=session.id)
            self._tools.gate.begin_anew(tx, session)

    def _claim(self, tx: Tx, entry: Entry, session: Session, now: datetime) -> Claim | None:
        message, tools = entry.message, self._tools
        candidate = candidate_of(entry, session, at=now)
        if not self._passes(tx, entry, candidate, now):
            return None
        try:
            envelope = tools.envelopes.of(tx, entry)
        except UnsendableError as error:
            tools.progress.move(tx, entry, MessageState.FAILED, error=(error.code, error.detail))
            return None
        tools.progress.claim(tx, message, by=tools.host_name, until=now + timedelta(seconds=CLAIM_SECONDS))
        return Claim(
            org_id=message.org_id,
            session_id=self._session_id,
            message_id=message.id,
            attempts=message.attempts,
            envelope=envelope,
            spec=tools.specs.of(session),
            typing_seconds=self._typing_seconds(entry, session),
        )

    def _passes(self, tx: Tx, entry: Entry, candidate: Candidate, now: datetime) -> bool:
        """Ask the gate; what may not go now is put off or closed."""
        message, tools = entry.message, self._tools
        if message.pace_class != candidate.pace_class:
            message.pace_class = candidate.pace_class
            tx.session.flush()
            return False
        verdict = tools.gate.may_send(tx, candidate, at=now)
        if verdict.closes:
            return False
        if verdict.answer is Answer.WAIT:
            assert verdict.wait_until is not None, "who must wait is told until when"
            tools.progress.hold(tx, message, until=verdict.wait_until, reason=verdict.reason)
        elif verdict.answer is Answer.SKIP:
            state = MessageState.EXPIRED if verdict.reason == EXPIRED else MessageState.SKIPPED
            tools.progress.move(tx, entry, state, reason=verdict.reason)
        return verdict.answer is Answer.NOW

    def _typing_seconds(self, entry: Entry, session: Session) -> float:
        message, tools = entry.message, self._tools
        is_silent = message.type == "reaction" or entry.chat.kind in _SILENT
        pace, wanted = tools.gate.paces.of(session), False if is_silent else message.typing
        return typing_seconds(pace, wanted=wanted, length=len(message.body), chance=tools.chance)
