"""Rules about how fast a session sends: a bucket for everything but replies, one for marketing, and a gap per chat."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from gateway.pacing.case import Case
from gateway.pacing.classes import MARKETING_ONES, UNASKED
from gateway.pacing.models import PaceClock
from gateway.pacing.reasons import CHAT_GAP, MARKETING_RATE, RATE
from gateway.pacing.settings import Pace
from gateway.pacing.verdict import Verdict

#: Marketing goes one by one: a machine gun is what spam looks like.
_MARKETING_BURST = 1


def rate(case: Case) -> Verdict | None:
    """So many per minute, replies apart."""
    if not case.pace.per_minute or case.candidate.pace_class not in UNASKED:
        return None
    until = free_at(case.clock.full_at, per_minute=case.pace.per_minute, burst=case.pace.burst)
    return None if until is None or until <= case.at else Verdict.wait(RATE, until, closes=UNASKED)


def marketing_rate(case: Case) -> Verdict | None:
    """So much marketing per minute."""
    if not case.pace.marketing_per_minute or case.candidate.pace_class not in MARKETING_ONES:
        return None
    until = free_at(case.clock.marketing_full_at, per_minute=case.pace.marketing_per_minute, burst=_MARKETING_BURST)
    return None if until is None or until <= case.at else Verdict.wait(MARKETING_RATE, until, closes=MARKETING_ONES)


def chat_gap(case: Case) -> Verdict | None:
    """Two messages to the same chat do not follow on each other's heels."""
    last = case.candidate.chat.last_out_at
    if not case.pace.chat_gap_seconds or last is None:
        return None
    until = last + timedelta(seconds=case.pace.chat_gap_seconds)
    return None if until <= case.at else Verdict.wait(CHAT_GAP, until)


def free_at(full_at: datetime | None, *, per_minute: float, burst: int) -> datetime | None:
    """When the bucket has something in it, known by when it will be full; None: it always had."""
    return None if full_at is None else full_at - (burst - 1) * _gap(per_minute)


def advance(clock: PaceClock, case: Case, *, chance: random.Random) -> bool:
    """Take from the buckets what a message costs. Jitter only ever makes a gap longer, so that a rate is never exceeded."""
    pace, pace_class = case.pace, case.candidate.pace_class
    before = (clock.full_at, clock.marketing_full_at)
    if pace.per_minute and pace_class in UNASKED:
        clock.full_at = _later(clock.full_at, case.at, pace.per_minute, pace, chance)
    if pace.marketing_per_minute and pace_class in MARKETING_ONES:
        clock.marketing_full_at = _later(clock.marketing_full_at, case.at, pace.marketing_per_minute, pace, chance)
    return (clock.full_at, clock.marketing_full_at) != before


def _later(full_at: datetime | None, at: datetime, per_minute: float, pace: Pace, chance: random.Random) -> datetime:
    gap = _gap(per_minute) * (1 + chance.uniform(0, pace.jitter))
    return max(full_at or at, at) + gap


def _gap(per_minute: float) -> timedelta:
    return timedelta(seconds=60 / per_minute)
