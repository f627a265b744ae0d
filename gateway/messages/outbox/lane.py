"""Empties one session's queue: one message at a time, in order, each settled before the next is touched."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import dataclass
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
from gateway.messages import store
from gateway.messages.arriving.changes import Changes
from gateway.messages.outbox import queue_store
from gateway.messages.outbox.candidates import candidate_of, count_if_sent
from gateway.messages.outbox.envelopes import Envelopes, UnsendableError
from gateway.messages.outbox.outcomes import Fate, Judgement, judge
from gateway.messages.progress import Progress
from gateway.messages.states import MessageState
from gateway.messages.store import Entry
from gateway.pacing.gate import Gate
from gateway.pacing.verdict import EXPIRED, Answer
from sessions.content import Envelope, Sent
from sessions.engine import Engine
from sessions.errors import NotConnectedError, SessionError, StoreError, WorkerLostError
from sessions.protocol import MessageSent, SendMessage, SessionSpec
from sessions.status import SessionStatus

log = structlog.get_logger(__name__)

#: Longer than the engine can need by itself: looking a recipient up and waiting for WhatsApp's answer, 75 s each.
SEND_TIMEOUT_SECONDS = 180.0
CLAIM_SECONDS = SEND_TIMEOUT_SECONDS + 30.0
STORE_RETRY_SECONDS = 1.0
#: Gives the news that a session is down the time to arrive, where a try heard of it first.
SHORT_REST = timedelta(seconds=1)
#: So often a message may find no connection although the session has one, before others may pass it.
MOST_STALLS = 3


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A message that is this lane's to send, committed as ``sending`` before the engine hears of it."""

    org_id: int
    message_id: int
    attempts: int
    envelope: Envelope
    spec: SessionSpec


@dataclass(frozen=True, kw_only=True)
class Unsent:
    """A try that was not answered with yes, with what the key store says where that was asked."""

    error: SessionError
    judgement: Judgement
    found_wa_id: str | None = None
    is_proven_unsent: bool = False


Outcome = Sent | Unsent


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
        host_name: str,
    ) -> None:
        self.database = database
        self.engine = engine
        self.clock = clock
        self.chance = chance
        self.specs = specs
        self.gate = gate
        self.envelopes = envelopes
        self.progress = progress
        self.contacts = contacts
        self.changes = changes
        self.host_name = host_name
        self.rests: dict[int, datetime] = {}  #: sessions that shall not send before a time
        self.stalls: Counter[int] = Counter()  #: how often a message found no connection although there was one
        self.settled: Signal[int] = Signal()  #: fired with the id of every message whose try has ended


class Lane:
    """One session's outbox while there is something to do; :class:`gateway.messages.outbox.dispatcher.Dispatcher` runs it."""

    def __init__(self, *, session_id: int, tools: LaneTools) -> None:
        self._session_id = session_id
        self._name = render_id("ses", session_id)
        self._tools = tools
        self.is_stopping = False

    async def run(self) -> None:
        """Send until nothing is due, the session cannot send, or the lane is asked to stop."""
        claim = await self._tools.database.write(self._take) if self._may_go_on() else None
        while claim is not None:
            outcome = await self._send(claim)
            claim = await self._commit(claim, outcome)

    def _may_go_on(self) -> bool:
        if self.is_stopping or self._tools.engine.status(self._name).status is not SessionStatus.CONNECTED:
            return False
        rests_until = self._tools.rests.get(self._session_id)
        return rests_until is None or rests_until <= self._tools.clock.now()

    async def _commit(self, claim: Claim, outcome: Outcome) -> Claim | None:
        """Write down what came of a try. What WhatsApp said is known only here, so a busy store is asked again."""
        while True:
            try:
                return await self._tools.database.write(lambda tx: self._settle_and_take(tx, claim, outcome))
            except UnavailableError as error:
                log.warning("settling put off", session_id=self._name, code=error.code)
                await asyncio.sleep(STORE_RETRY_SECONDS)

    def _settle_and_take(self, tx: Tx, claim: Claim, outcome: Outcome) -> Claim | None:
        self._settle(tx, claim, outcome)
        tx.after_commit(lambda: self._tools.settled.fire(claim.message_id))
        return self._take(tx) if self._may_go_on() else None

    def _take(self, tx: Tx) -> Claim | None:
        """Claim the next message that may go now; those that may not are put off or closed on the way."""
        session = queue_store.session_of_lane(tx, session_id=self._session_id)
        now = self._tools.clock.now()
        while session is not None and session.is_paired:
            entry = queue_store.next_queued(tx, session_id=self._session_id, at=now)
            if entry is None:
                return None
            claim = self._claim(tx, entry, session, now)
            if claim is not None:
                return claim
        return None

    def _claim(self, tx: Tx, entry: Entry, session: Session, now: datetime) -> Claim | None:
        message, tools = entry.message, self._tools
        verdict = tools.gate.may_send(tx, candidate_of(entry, session), at=now)
        if verdict.answer is Answer.WAIT:
            message.next_at, message.reason = verdict.wait_until, verdict.reason
            tx.session.flush()
            return None
        if verdict.answer is Answer.SKIP:
            state = MessageState.EXPIRED if verdict.reason == EXPIRED else MessageState.SKIPPED
            tools.progress.move(tx, entry, state, reason=verdict.reason)
            return None
        try:
            envelope = tools.envelopes.of(tx, entry)
        except UnsendableError as error:
            tools.progress.move(tx, entry, MessageState.FAILED, error=(error.code, error.detail))
            return None
        tools.progress.claim(tx, message, by=tools.host_name, until=now + timedelta(seconds=CLAIM_SECONDS))
        return Claim(
            org_id=message.org_id,
            message_id=message.id,
            attempts=message.attempts,
            envelope=envelope,
            spec=tools.specs.of(session),
        )

    async def _send(self, claim: Claim) -> Outcome:
        command = SendMessage(envelope=claim.envelope)
        try:
            answer = await self._tools.engine.call(self._name, command, timeout_seconds=SEND_TIMEOUT_SECONDS)
        except SessionError as error:
            return await self._unsent(claim, error)
        assert isinstance(answer, MessageSent), "the engine answers SendMessage with MessageSent"
        self._tools.stalls.pop(claim.message_id, None)
        return answer.sent

    async def _unsent(self, claim: Claim, error: SessionError) -> Unsent:
        judgement = judge(
            error, attempts=claim.attempts, chance=self._tools.chance, is_stuck=self._is_stuck(claim, error)
        )
        message_id = render_id("msg", claim.message_id)
        log.info(
            "send not confirmed", session_id=self._name, message_id=message_id, code=error.code, fate=judgement.fate
        )
        if judgement.fate is not Fate.LOOK:
            return Unsent(error=error, judgement=judgement)
        try:
            found = await self._tools.engine.find_by_secret(claim.spec, claim.envelope.secret)
        except StoreError:
            return Unsent(error=error, judgement=judgement)
        # Only a worker that is gone can no longer write: while it lives, no row yet is no proof.
        is_proof = found is None and isinstance(error, WorkerLostError)
        return Unsent(error=error, judgement=judgement, found_wa_id=found, is_proven_unsent=is_proof)

    def _is_stuck(self, claim: Claim, error: SessionError) -> bool:
        """Whether it is this message that cannot go; it must not hold up the whole session then."""
        stalls, status = self._tools.stalls, self._tools.engine.status(self._name).status
        if not isinstance(error, NotConnectedError) or status is not SessionStatus.CONNECTED:
            stalls.pop(claim.message_id, None)
            return False
        stalls[claim.message_id] += 1
        return stalls[claim.message_id] > MOST_STALLS

    def _settle(self, tx: Tx, claim: Claim, outcome: Outcome) -> None:
        entry = store.find(tx, org_id=claim.org_id, message_id=claim.message_id)
        if entry is None or entry.message.state != MessageState.SENDING:
            log.warning("settled elsewhere", message_id=render_id("msg", claim.message_id))
            return
        if isinstance(outcome, Sent):
            self._tools.progress.sent(tx, entry, wa_id=outcome.wa_id)
            self._tools.changes.note_own_reaction(tx, entry)
            self._learn(tx, entry, outcome)
        else:
            self._settle_unsent(tx, entry, outcome)
        count_if_sent(tx, entry, gate=self._tools.gate, at=self._tools.clock.now())

    def _settle_unsent(self, tx: Tx, entry: Entry, outcome: Unsent) -> None:
        progress, judgement = self._tools.progress, outcome.judgement
        error = (outcome.error.code, str(outcome.error))
        until = self._tools.clock.now() + timedelta(seconds=judgement.delay_seconds)
        if judgement.rests_lane or outcome.is_proven_unsent:
            self._tools.rests[self._session_id] = max(until, self._tools.clock.now() + SHORT_REST)
        if judgement.fate is Fate.FAIL:
            progress.move(tx, entry, MessageState.FAILED, error=error)
        elif judgement.fate is Fate.AGAIN:
            progress.put_back(tx, entry, until=until, reason=outcome.error.code, counted=True)
        elif judgement.fate is Fate.WAIT or outcome.is_proven_unsent:
            progress.put_back(tx, entry, until=None, reason=outcome.error.code, counted=False)
        else:
            settle_uncertain(tx, entry, progress=progress, wa_id=outcome.found_wa_id, error=error)

    def _learn(self, tx: Tx, entry: Entry, sent: Sent) -> None:
        """The engine may know an address of the recipient by now that we did not."""
        contact = entry.contact
        if entry.chat.contact_id is not None and contact is not None and contact.lid is None and sent.chat.lid:
            known = contact.address
            self._tools.contacts.identify(
                tx, org_id=entry.message.org_id, address=type(known)(pn=known.pn, lid=sent.chat.lid)
            )


def settle_uncertain(tx: Tx, entry: Entry, *, progress: Progress, wa_id: str | None, error: tuple[str, str]) -> None:
    """It may have reached WhatsApp: say so. With its id known, a receipt can settle it, even one that came already."""
    entry.message.wa_id = wa_id
    progress.move(tx, entry, MessageState.UNCERTAIN, error=error)
    if wa_id is not None:
        progress.catch_up(tx, entry)
