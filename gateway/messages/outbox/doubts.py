"""Ends uncertainty: by proof where there is one, else by what its sender asked for."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from gateway.db.tx import Database, Tx
from gateway.fleet.models import Session
from gateway.fleet.specs import Specs
from gateway.kit.clock import Clock
from gateway.kit.ids import render_id
from gateway.messages import store
from gateway.messages.models import Message, OnUncertain
from gateway.messages.outbox import control_store, queue_store
from gateway.messages.outbox.outcomes import MOST_ATTEMPTS
from gateway.messages.progress import AWAITS_RECEIPT, Progress
from gateway.messages.states import MessageState
from gateway.messages.store import Entry
from sessions.engine import Engine, StatusChange
from sessions.errors import StoreError
from sessions.events import Report
from sessions.status import SessionStatus

log = structlog.get_logger(__name__)

_BATCH = 100


class Doubts:
    """Judges uncertain messages once their session has been caught up with WhatsApp for so long that receipts are in.

    What a session missed while it was away comes right after it connects, receipts included. A message without one a
    while after that gets none soon: then the policy speaks.
    """

    def __init__(
        self,
        *,
        database: Database,
        engine: Engine,
        clock: Clock,
        specs: Specs,
        progress: Progress,
        policy: OnUncertain = OnUncertain.HOLD,
        patience: timedelta = timedelta(minutes=10),
    ) -> None:
        self._database = database
        self._engine = engine
        self._clock = clock
        self._specs = specs
        self._progress = progress
        self._policy = policy
        self._patience = patience
        self._caught_up_at: dict[int, datetime] = {}

    def caught_up(self, session_id: int, _report: Report) -> None:
        """WhatsApp has delivered what it kept while the session was away."""
        self._caught_up_at[session_id] = self._clock.now()

    def status_changed(self, session_id: int, change: StatusChange) -> None:
        """While a session is away, no receipt can come."""
        if change.status is not SessionStatus.CONNECTED:
            self._caught_up_at.pop(session_id, None)

    def is_caught_up(self, session_id: int) -> bool:
        """Whether receipts that are on their way can come in."""
        return session_id in self._caught_up_at

    async def judge(self) -> int:
        """Judge what is due; gives how many messages that were."""
        before = self._clock.now() - self._patience
        judged = 0
        for session_id in [one for one, since in self._caught_up_at.items() if since <= before]:
            judged += await self._judge_session(session_id, before)
        return judged

    async def _judge_session(self, session_id: int, before: datetime) -> int:
        doubts = await self._database.read(
            lambda tx: control_store.list_doubts(tx, session_id=session_id, before=before, limit=_BATCH)
        )
        for entry in doubts:
            await self._judge(entry.message)
        return len(doubts)

    async def _judge(self, seen: Message) -> None:
        session = await self._database.read(lambda tx: self._session(tx, seen.session_id))
        wa_id, is_unsent = await self._look(session, seen)
        await self._database.write(lambda tx: self._settle(tx, seen, wa_id=wa_id, is_unsent=is_unsent))

    async def _look(self, session: Session, seen: Message) -> tuple[str | None, bool]:
        """The WhatsApp id, and whether it is proven that there is none: the try is over, so the key store has it all."""
        if seen.wa_id is not None or seen.secret is None:
            return seen.wa_id, False
        try:
            found = await self._engine.find_by_secret(self._specs.of(session), seen.secret)
        except StoreError as error:
            log.warning("key store proves nothing", session_id=render_id("ses", session.id), code=error.code)
            return None, False
        return found, found is None and not _was_linked_anew(session, seen)

    def _settle(self, tx: Tx, seen: Message, *, wa_id: str | None, is_unsent: bool) -> None:
        entry = store.find(tx, org_id=seen.org_id, message_id=seen.id)
        if entry is None or not _is_open(entry.message, seen):
            return
        if is_unsent:
            self._progress.put_back(tx, entry, until=None, reason="proven_unsent", counted=False)
        elif wa_id is not None and entry.message.wa_id is None:
            entry.message.wa_id = wa_id
            self._progress.catch_up(tx, entry)
            # Receipts are matched by this id from now on: they get their time, too.
            if entry.message.state == MessageState.UNCERTAIN:
                entry.message.uncertain_at = self._clock.now()
                tx.session.flush()
        else:
            self._apply_policy(tx, entry)
        log.info("doubt judged", message_id=render_id("msg", seen.id), state=entry.message.state)

    def _apply_policy(self, tx: Tx, entry: Entry) -> None:
        message = entry.message
        session = self._session(tx, message.session_id)
        chosen = message.on_uncertain or session.settings.get("on_uncertain") or self._policy
        is_past = message.expires_at is not None and message.expires_at <= self._clock.now()
        may_resend = not is_past and message.attempts < MOST_ATTEMPTS and not _was_linked_anew(session, message)
        if chosen == OnUncertain.RESEND and may_resend:
            self._progress.resend(tx, entry, reason="resent", is_double_possible=True)
        else:
            self._progress.leave_to_a_person(tx, entry)

    def _session(self, tx: Tx, session_id: int) -> Session:
        found = queue_store.session_of_lane(tx, session_id=session_id)
        assert found is not None, "messages refer to their session"
        return found[0]


def _was_linked_anew(session: Session, message: Message) -> bool:
    """Linking begins a new key store, which knows nothing of what went before; and it may be another phone."""
    since = message.uncertain_at or message.updated_at
    return session.paired_at is None or session.paired_at > since


def _is_open(message: Message, seen: Message) -> bool:
    """Whether nobody has settled or resent it since it was looked at."""
    is_same = message.state == MessageState.UNCERTAIN and message.secret == seen.secret
    return is_same and message.reason == AWAITS_RECEIPT
