"""How a session stands: what it has sent today, what it may still send, and when the next message of each kind may go."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from gateway.chats.models import Chat
from gateway.db.tx import Tx
from gateway.fleet.models import Session
from gateway.kit.ids import render_id
from gateway.kit.times import render_time
from gateway.pacing.case import Case
from gateway.pacing.classes import PaceClass
from gateway.pacing.reasons import SENTENCES
from gateway.pacing.rules import caps, rates
from gateway.pacing.settings import Paces
from gateway.pacing.verdict import Candidate
from sessions.address import AddressKind

#: Those that look at the session alone, and not at whom a message is for.
_RULES: Final = (caps.timelock, caps.first_contacts, caps.warm_up, caps.daily, rates.rate, rates.marketing_rate)


class Outlook:
    """Answers without sending anything and without counting as a question to the gate."""

    def __init__(self, *, paces: Paces) -> None:
        self._paces = paces

    def of(self, tx: Tx, session: Session, *, at: datetime) -> dict[str, object]:
        """The session's pace as JSON."""
        case = self._case(tx, session, PaceClass.PLAIN, at)
        today = case.today
        return {
            "session": render_id("ses", session.id),
            "timezone": str(case.zone),
            "day": case.day.isoformat(),
            "next_day_at": render_time(case.tomorrow),
            "today": {
                "replies": today.replies,
                "awaited": today.awaited,
                "plain": today.plain,
                "marketing": today.marketing,
                "first_contacts": today.first_contacts,
            },
            "caps": {
                "per_day": _cap(case.pace.per_day or None, today.unasked),
                "first_contacts_per_day": _cap(case.pace.first_contacts_per_day or None, today.first_contacts),
                "warm_up": _cap(caps.warm_up_cap(case), caps.warm_up_count(case)),
            },
            "next": [self._next(tx, session, pace_class, at) for pace_class in PaceClass],
            "settings": msgspec.to_builtins(case.pace),
        }

    def _next(self, tx: Tx, session: Session, pace_class: PaceClass, at: datetime) -> dict[str, object]:
        case = self._case(tx, session, pace_class, at)
        verdict = next((found for rule in _RULES if (found := rule(case)) is not None), None)
        code = None if verdict is None else verdict.reason
        return {
            "class": pace_class.name.lower(),
            "free_at": render_time(at if verdict is None else verdict.wait_until),
            "reason": None if code is None else {"code": code, "sentence": SENTENCES[code]},
        }

    def _case(self, tx: Tx, session: Session, pace_class: PaceClass, at: datetime) -> Case:
        candidate = Candidate(
            org_id=session.org_id,
            session=session,
            chat=Chat(kind=AddressKind.PERSON),
            contact=None,
            purpose=None,
            pace_class=pace_class,
        )
        return Case(tx=tx, candidate=candidate, at=at, pace=self._paces.of(session))


def _cap(most: int | None, used: int) -> dict[str, object] | None:
    return None if most is None else {"most": most, "used": used, "left": max(most - used, 0)}
