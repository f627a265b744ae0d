"""The pairing desk: one attempt per session, shared by all who watch, ended when nobody does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import Context

import structlog

from gateway.db.tx import Database
from gateway.fleet import store
from gateway.fleet.attempt import Attempt, PairingPhase, PairingState
from gateway.fleet.errors import (
    NoQrYetError,
    PairingFailedError,
    SessionAlreadyPairedError,
    SessionNotFoundError,
)
from gateway.fleet.models import Session
from gateway.fleet.reconciler import Reconciler
from gateway.fleet.specs import Specs
from gateway.kit.clock import Clock
from gateway.kit.errors import TooManyError
from gateway.kit.times import from_epoch
from sessions.commands.linking import PairCodeIssued, RequestPairCode
from sessions.crash import CrashPoint, crash_point
from sessions.engine import Engine, StatusChange
from sessions.errors import SessionError
from sessions.events import Paired, PairingEnded, QrShown, Report
from sessions.status import NEEDS_A_PERSON, Reason, SessionStatus, sentence

log = structlog.get_logger(__name__)

_ROUNDS = 5  #: of about 160 s each, while somebody watches
_LEASE_SECONDS = 60.0  #: a caller that fetched one QR code is taken to be waiting so long
_CODE_LEASE_SECONDS = 170.0  #: typing a code takes longer
_CODE_PAUSE_SECONDS = 10.0  #: between codes for different numbers
_LINGER_SECONDS = 15.0  #: a page that reloads comes back within this time
_LINK_SECONDS = 60.0  #: from the scan to the connection

_OPEN = (PairingPhase.WAITING, PairingPhase.SHOWING)


class PairingDesk:
    """Begins, renews and ends pairing attempts. Observes the intake for what becomes of them."""

    def __init__(
        self,
        *,
        engine: Engine,
        database: Database,
        reconciler: Reconciler,
        specs: Specs,
        clock: Clock,
    ) -> None:
        self._engine = engine
        self._database = database
        self._reconciler = reconciler
        self._specs = specs
        self._clock = clock
        self._attempts: dict[int, Attempt] = {}
        self._minders: dict[int, asyncio.Task[None]] = {}

    @asynccontextmanager
    async def watch(self, session: Session) -> AsyncIterator[Attempt]:
        """Take part in the attempt, beginning one if none is on, for as long as the block lasts."""
        attempt = self._open(session)
        attempt.watchers += 1
        try:
            yield attempt
        finally:
            attempt.watchers -= 1
            self._lease(attempt, _LINGER_SECONDS)

    async def qr(self, session: Session, *, wait_seconds: float = 10.0) -> PairingState:
        """The QR code on offer; begins an attempt and waits for its first code if need be."""
        attempt = self._open(session)
        self._lease(attempt, _LEASE_SECONDS)
        return await self._showing(attempt, wait_seconds)

    async def phone_code(self, session: Session, phone: str, *, wait_seconds: float = 10.0) -> PairingState:
        """A code to type on the phone, XXXX-XXXX; the same one when asked again within an attempt's round."""
        if session.expected_phone is not None and phone != session.expected_phone:
            raise pairing_failed(Reason.WRONG_PHONE)
        attempt = self._open(session)
        self._lease(attempt, _CODE_LEASE_SECONDS)
        await self._showing(attempt, wait_seconds)
        async with attempt.code_lock:
            if attempt.state.phone_code is None or attempt.code_for is None or attempt.code_for[0] != phone:
                self._demand_patience(attempt)
                code = await self._issue_code(session, phone)
                attempt.code_for = (phone, self._clock.monotonic())
                attempt.publish(phone_code=code)
        return attempt.state

    def is_open(self, session_id: int) -> bool:
        """Whether an attempt is on."""
        return session_id in self._attempts

    async def stop(self) -> None:
        """End every attempt's minder; the engine's own stop ends the processes."""
        minders = list(self._minders.values())
        for minder in minders:
            minder.cancel()
        await asyncio.gather(*minders, return_exceptions=True)

    def qr_shown(self, session_id: int, report: Report) -> None:
        """Observe QR codes."""
        attempt, fact = self._attempts.get(session_id), report.event
        assert isinstance(fact, QrShown)
        if attempt is not None and attempt.state.phase in _OPEN:
            attempt.show(
                qr=fact.code,
                index=fact.index,
                valid_seconds=fact.valid_seconds,
                expires_at=from_epoch(report.received_at + fact.valid_seconds),
            )

    def pairing_ended(self, session_id: int, report: Report) -> None:
        """Observe the end of an attempt's process: new codes while somebody waits, else the end."""
        attempt, fact = self._attempts.get(session_id), report.event
        assert isinstance(fact, PairingEnded)
        if attempt is None or attempt.state.phase not in _OPEN:
            return
        renewable = fact.reason == Reason.QR_EXPIRED and attempt.rounds_left > 0
        if renewable and attempt.is_wanted(self._clock.monotonic()):
            attempt.renew()
        else:
            attempt.end(fact.reason)

    def paired(self, session_id: int, report: Report) -> None:
        """Observe that a phone has linked itself; whether it may stay stands in the row."""
        crash_point(CrashPoint.PAIRING_COMMITTED)
        assert isinstance(report.event, Paired)
        attempt = self._attempts.get(session_id)
        if attempt is not None and not attempt.state.is_over:
            attempt.publish(phase=PairingPhase.LINKING, qr=None, phone_code=None, expires_at=None)

    def status_changed(self, session_id: int, change: StatusChange) -> None:
        """Observe statuses: connected is the happy end, some others are the other one."""
        attempt = self._attempts.get(session_id)
        if attempt is None or attempt.state.is_over or not attempt.has_begun:
            return
        if change.status in NEEDS_A_PERSON:
            attempt.end(change.reason)
        elif attempt.state.phase == PairingPhase.LINKING:
            attempt.nudge()

    def _demand_patience(self, attempt: Attempt) -> None:
        """WhatsApp refuses an account that asks for codes too often, so one page must not try many numbers."""
        if attempt.code_for is None:
            return
        left = attempt.code_for[1] + _CODE_PAUSE_SECONDS - self._clock.monotonic()
        if left > 0:
            raise TooManyError(
                "Wait a moment before asking for another code.", code="pair_code_too_soon", retry_after_seconds=left
            )

    def _open(self, session: Session) -> Attempt:
        """The attempt that is on, or a new one."""
        if session.removed_at is not None:
            raise SessionNotFoundError
        attempt = self._attempts.get(session.id)
        if attempt is not None and not attempt.state.is_over:
            return attempt
        if session.is_paired:
            raise SessionAlreadyPairedError
        attempt = Attempt(session_id=session.id, rounds=_ROUNDS)
        self._lease(attempt, _LINGER_SECONDS)
        self._attempts[session.id] = attempt
        previous = self._minders.get(session.id)
        # Lives on after the request that caused it, so that its log lines must not carry that request's id.
        self._minders[session.id] = asyncio.create_task(
            self._mind(attempt, session, previous), name=f"pairing {session.id}", context=Context()
        )
        return attempt

    def _lease(self, attempt: Attempt, seconds: float) -> None:
        attempt.wanted_until = max(attempt.wanted_until, self._clock.monotonic() + seconds)
        attempt.nudge()

    async def _showing(self, attempt: Attempt, wait_seconds: float) -> PairingState:
        """Wait for a QR code on offer; say in words when there will be none."""
        deadline = self._clock.monotonic() + wait_seconds
        while attempt.state.phase == PairingPhase.WAITING:
            if not await attempt.wait_change(timeout_seconds=deadline - self._clock.monotonic()):
                raise NoQrYetError
        if attempt.state.phase == PairingPhase.SHOWING:
            return attempt.state
        if attempt.state.phase == PairingPhase.ENDED:
            raise pairing_failed(attempt.state.reason)
        raise SessionAlreadyPairedError

    async def _issue_code(self, session: Session, phone: str) -> str:
        spec = self._specs.of(session)
        try:
            result = await self._engine.call(spec.session_id, RequestPairCode(phone=phone), timeout_seconds=20.0)
        except SessionError as error:
            raise PairingFailedError(f"WhatsApp gave no code: {error}", code="pair_code_refused") from error
        assert isinstance(result, PairCodeIssued)
        return result.code

    async def _mind(self, attempt: Attempt, session: Session, previous: asyncio.Task[None] | None) -> None:
        """See one attempt from its beginning to its end, after the one before has let go of the engine."""
        spec = self._specs.of(session)
        try:
            if previous is not None:
                await asyncio.wait([previous])
            await self._reconciler.settle(session.id)
            await self._mind_codes(attempt, lambda: self._engine.pair(spec))
            if attempt.state.phase == PairingPhase.LINKING:
                await self._mind_link(attempt, spec.session_id)
            else:
                await self._engine.cancel_pairing(spec.session_id)
        except Exception:
            log.exception("pairing attempt failed", session_id=spec.session_id)
            attempt.end(Reason.PAIRING_REFUSED)
        finally:
            if self._minders.get(session.id) is asyncio.current_task():
                del self._minders[session.id]
                self._attempts.pop(session.id, None)

    async def _mind_codes(self, attempt: Attempt, pair: Callable[[], Awaitable[None]]) -> None:
        """Keep codes on offer while somebody waits."""
        while attempt.state.phase in _OPEN:
            if attempt.round_due:
                attempt.round_due = False
                attempt.has_begun = True
                await pair()
            now = self._clock.monotonic()
            if not attempt.is_wanted(now):
                attempt.end(None)
                return
            remaining = None if attempt.watchers else attempt.wanted_until - now
            if attempt.state.phase in _OPEN and not attempt.round_due:
                await attempt.wait_change(timeout_seconds=remaining)

    async def _mind_link(self, attempt: Attempt, engine_id: str) -> None:
        """A phone has linked itself: look whether it may stay, then wait for its connection."""
        session = await self._database.read(lambda tx: store.find_any(tx, session_id=attempt.session_id))
        if session is None or not session.is_paired:
            reason = Reason(session.reason) if session is not None and session.reason else None
            attempt.end(reason)
            return
        deadline = self._clock.monotonic() + _LINK_SECONDS
        while attempt.state.phase == PairingPhase.LINKING:
            if self._engine.status(engine_id).status == SessionStatus.CONNECTED:
                attempt.publish(phase=PairingPhase.CONNECTED)
            elif not await attempt.wait_change(timeout_seconds=deadline - self._clock.monotonic()):
                attempt.end(Reason.CONNECTION_LOST)


def pairing_failed(reason: Reason | None) -> PairingFailedError:
    """The error that tells why an attempt ended."""
    if reason is None:
        return PairingFailedError("The pairing attempt was given up, because nobody waited for it.")
    return PairingFailedError(sentence(reason), code=reason.value)
