"""Rules about how much a session sends in a day: first contacts, warm-up, and all but replies."""

from __future__ import annotations

from gateway.fleet.restrictions import is_timelocked
from gateway.pacing.case import Case
from gateway.pacing.classes import NEW, PLAIN_ONES, UNASKED
from gateway.pacing.reasons import DAILY_CAP, FIRST_CONTACT_CAP, TIMELOCK, WARM_UP
from gateway.pacing.settings import reached
from gateway.pacing.verdict import Verdict
from gateway.pacing.zones import day_in


def timelock(case: Case) -> Verdict | None:
    """While WhatsApp refuses new chats (463), strangers wait; trying again would make it worse."""
    session = case.candidate.session
    if case.candidate.pace_class not in NEW or not is_timelocked(session, at=case.at):
        return None
    assert session.timelocked_until is not None, "a time-lock has an end"
    return Verdict.wait(TIMELOCK, session.timelocked_until, closes=NEW)


def first_contacts(case: Case) -> Verdict | None:
    """So many new people a day."""
    most = case.pace.first_contacts_per_day
    if not most or case.candidate.pace_class not in NEW or case.today.first_contacts < most:
        return None
    return Verdict.wait(FIRST_CONTACT_CAP, case.tomorrow, closes=NEW)


def warm_up(case: Case) -> Verdict | None:
    """A phone that was linked lately sends a little more each day."""
    held = reached(case.pace.warm_up)
    most = warm_up_cap(case)
    if most is None or case.candidate.pace_class not in held or warm_up_count(case) < most:
        return None
    return Verdict.wait(WARM_UP, case.tomorrow, closes=held)


def warm_up_cap(case: Case) -> int | None:
    """How many the plan lets go today; None when it is over or not wanted."""
    paired_at = case.candidate.session.paired_at
    if case.pace.warm_up == "off" or paired_at is None:
        return None
    age = max((case.day - day_in(case.zone, paired_at)).days, 0)
    plan = case.pace.warm_up_plan
    return plan[age] if age < len(plan) else None


def warm_up_count(case: Case) -> int:
    """How many of those that the plan holds have gone today."""
    is_wide = reached(case.pace.warm_up) >= PLAIN_ONES
    return case.today.marketing + (case.today.plain if is_wide else 0)


def daily(case: Case) -> Verdict | None:
    """So many a day, replies apart."""
    most = case.pace.per_day
    if not most or case.candidate.pace_class not in UNASKED or case.today.unasked < most:
        return None
    return Verdict.wait(DAILY_CAP, case.tomorrow, closes=UNASKED)
