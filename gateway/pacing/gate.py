"""The one door before the engine: may this message go now?"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from gateway.chats.service import Chats
from gateway.contacts.service import Contacts
from gateway.db.tx import Tx
from gateway.fleet.models import Session
from gateway.fleet.service import Sessions
from gateway.kit.ids import IdGenerator
from gateway.pacing import store
from gateway.pacing.case import Case
from gateway.pacing.classes import MARKETING_ONES, PLAIN_ONES, PaceClass
from gateway.pacing.closures import Closures
from gateway.pacing.reasons import EXPIRED
from gateway.pacing.rules import caps, people, rates
from gateway.pacing.settings import Paces
from gateway.pacing.verdict import NOW, Candidate, Verdict

Rule = Callable[[Case], Verdict | None]


def expired(case: Case) -> Verdict | None:
    """What has lost its point is not sent."""
    expires_at = case.candidate.expires_at
    return Verdict.skip(EXPIRED) if expires_at is not None and expires_at <= case.at else None


#: In the order they are asked; the first that objects is the reason. Those that skip come before those that wait.
RULES: Final[tuple[Rule, ...]] = (
    expired,
    people.blocked,
    people.opted_out,
    people.frequency,
    people.quiet_hours,
    caps.timelock,
    caps.first_contacts,
    caps.warm_up,
    caps.daily,
    rates.rate,
    rates.marketing_rate,
    rates.chat_gap,
)

#: The longest time that a setting can count marketing over.
_SENDS_KEPT: Final = timedelta(days=30)


class Gate:
    """Says when a message may go to the engine, and counts what went. Nothing else in the gateway decides about that."""

    def __init__(
        self,
        *,
        ids: IdGenerator,
        chance: random.Random,
        sessions: Sessions,
        contacts: Contacts,
        chats: Chats,
        paces: Paces,
        on_verdict: Callable[[str], None],
    ) -> None:
        self._ids = ids
        self._chance = chance
        self._sessions = sessions
        self._chats = chats
        self._on_verdict = on_verdict
        self.paces = paces
        self.closures = Closures()
        contacts.when_merged(
            lambda tx, org_id, gone, kept: store.move_to_contact(tx, org_id=org_id, from_id=gone, into_id=kept)
        )

    def may_send(self, tx: Tx, candidate: Candidate, *, at: datetime) -> Verdict:
        """The verdict on one queued message. Where a whole class waits, it is closed until then."""
        verdict = self._judge(self.case(tx, candidate, at=at))
        if verdict.closes:
            assert verdict.wait_until is not None, "who waits is told until when"
            self.closures.close(
                candidate.session.id, verdict.closes, until=verdict.wait_until, reason=str(verdict.reason)
            )
            tx.after_commit(self.closures.tell)
        tx.after_commit(partial(self._on_verdict, verdict.reason or verdict.answer.value))
        return verdict

    def note_sent(self, tx: Tx, candidate: Candidate, *, at: datetime, is_certain: bool = True) -> None:
        """A message went to WhatsApp, or may have: it counts from now on."""
        case = self.case(tx, candidate, at=at)
        self._chats.note_sent(tx, candidate.chat, at=at)
        org_id, session, pace_class = candidate.org_id, candidate.session, candidate.pace_class
        store.count(tx, org_id=org_id, session_id=session.id, on=case.day, more=_counts(pace_class))
        if pace_class is not PaceClass.REPLY and (case.pace.per_minute or case.pace.marketing_per_minute):
            self._advance_clock(tx, case)
        if pace_class in MARKETING_ONES and candidate.contact is not None:
            store.add_marketing_send(
                tx,
                send_id=self._ids.new(),
                org_id=org_id,
                contact_id=candidate.contact.id,
                at=at,
                keep_since=at - _SENDS_KEPT,
            )
        if is_certain and pace_class.is_first_contact and session.timelocked_until is not None:
            # WhatsApp has just taken a new chat, so it refuses them no more.
            self._sessions.lift_timelock(tx, session)

    def has_new_basis(self, session: Session) -> bool:
        """Whether what was judged before is worth nothing: the session's pace or its standing has changed."""
        return not self.closures.stands_on(session.id, self._basis(session))

    def begin_anew(self, tx: Tx, session: Session) -> None:
        """Forget what was judged before. The new basis counts once this is committed."""
        self.closures.reopen(session.id)
        tx.after_commit(partial(self.closures.found, session.id, self._basis(session)))

    def _basis(self, session: Session) -> object:
        return self.paces.of(session), session.timelocked_until, session.paired_at, session.phone

    def case(self, tx: Tx, candidate: Candidate, *, at: datetime) -> Case:
        """The question with what its session's pace is."""
        return Case(tx=tx, candidate=candidate, at=at, pace=self.paces.of(candidate.session))

    def _judge(self, case: Case) -> Verdict:
        return next((verdict for rule in RULES if (verdict := rule(case)) is not None), NOW)

    def _advance_clock(self, tx: Tx, case: Case) -> None:
        if rates.advance(case.clock, case, chance=self._chance):
            store.put_clock(tx, case.clock)


def _counts(pace_class: PaceClass) -> dict[str, int]:
    if pace_class is PaceClass.REPLY:
        name = "replies"
    elif pace_class in MARKETING_ONES:
        name = "marketing"
    else:
        name = "plain" if pace_class in PLAIN_ONES else "awaited"
    return {name: 1, "first_contacts": 1 if pace_class.is_first_contact else 0}
