"""One try: hands a claimed message to the engine and reads what the answer proves."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

import structlog

from gateway.kit.ids import render_id
from gateway.messages.outbox.envelopes import Envelopes
from gateway.messages.outbox.outcomes import Fate, Judgement, judge
from gateway.messages.outbox.rests import Rests
from sessions.commands.messages import MessageSent, SendMessage
from sessions.content import Envelope, Sent
from sessions.crash import CrashPoint, crash_point
from sessions.engine import Engine
from sessions.errors import NotConnectedError, SessionError, StoreError, WorkerLostError
from sessions.protocol import SessionSpec
from sessions.status import SessionStatus

log = structlog.get_logger(__name__)

#: Longer than the engine can need by itself: looking a recipient up and waiting for WhatsApp's answer, 75 s each.
SEND_TIMEOUT_SECONDS = 180.0
#: So often a message may find no connection although the session has one, before others may pass it.
MOST_STALLS = 3


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A message that is a lane's to send, committed as ``sending`` before the engine hears of it."""

    org_id: int
    session_id: int
    message_id: int
    attempts: int
    envelope: Envelope
    spec: SessionSpec
    typing_seconds: float = 0.0  #: show "typing ..." so long before it goes


@dataclass(frozen=True, kw_only=True)
class Unsent:
    """A try that was not answered with yes, with what the key store says where that was asked."""

    error: SessionError
    judgement: Judgement
    found_wa_id: str | None = None
    is_proven_unsent: bool = False


Outcome = Sent | Unsent


class Tries:
    """Tries messages and judges the answers; settling them is somebody else's."""

    def __init__(self, *, engine: Engine, envelopes: Envelopes, chance: random.Random, rests: Rests) -> None:
        self._engine = engine
        self._envelopes = envelopes
        self._chance = chance
        self._rests = rests

    async def send(self, claim: Claim) -> Outcome:
        """Hand a message over and wait for what comes of it."""
        crash_point(CrashPoint.OUTBOX_CLAIMED)
        command = SendMessage(envelope=claim.envelope)
        try:
            await self._envelopes.bring(claim.envelope, org_id=claim.org_id)
            answer = await self._engine.call(claim.spec.session_id, command, timeout_seconds=SEND_TIMEOUT_SECONDS)
        except SessionError as error:
            return await self._unsent(claim, error)
        crash_point(CrashPoint.OUTBOX_ANSWERED)
        assert isinstance(answer, MessageSent), "the engine answers SendMessage with MessageSent"
        self._rests.went_well(claim.session_id, claim.message_id)
        return answer.sent

    async def _unsent(self, claim: Claim, error: SessionError) -> Unsent:
        judgement = self._judge(claim, error)
        log.info(
            "send not confirmed",
            session_id=claim.spec.session_id,
            message_id=render_id("msg", claim.message_id),
            code=error.code,
            fate=judgement.fate,
        )
        if judgement.fate is Fate.LOOK:
            return await self._look(claim, error, judgement)
        return Unsent(error=error, judgement=judgement)

    def _judge(self, claim: Claim, error: SessionError) -> Judgement:
        first = judge(error, attempts=claim.attempts, chance=self._chance, is_stuck=self._is_stuck(claim, error))
        if not first.rests_lane:
            return first
        strikes = self._rests.strike(claim.session_id)
        return judge(error, attempts=claim.attempts, chance=self._chance, strikes=strikes)

    async def _look(self, claim: Claim, error: SessionError, judgement: Judgement) -> Unsent:
        """Ask the key store, which knows every message that ever reached the wire."""
        try:
            found = await self._engine.find_by_secret(claim.spec, claim.envelope.secret)
        except StoreError:
            return Unsent(error=error, judgement=judgement)
        if found is None and judgement.fails_if_absent:
            return Unsent(error=error, judgement=replace(judgement, fate=Fate.FAIL))
        # Only a worker that is gone can no longer write: while it lives, no row yet is no proof.
        is_proof = found is None and isinstance(error, WorkerLostError)
        return Unsent(error=error, judgement=judgement, found_wa_id=found, is_proven_unsent=is_proof)

    def _is_stuck(self, claim: Claim, error: SessionError) -> bool:
        """Whether it is this message that cannot go; it must not hold up the whole session then."""
        status = self._engine.status(claim.spec.session_id).status
        if not isinstance(error, NotConnectedError) or status is not SessionStatus.CONNECTED:
            self._rests.forget_stalls(claim.message_id)
            return False
        return self._rests.stall(claim.message_id) > MOST_STALLS
