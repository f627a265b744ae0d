"""Rules about the person a message is for: blocked, opted out, asleep, or told enough."""

from __future__ import annotations

from datetime import timedelta

from gateway.pacing import store
from gateway.pacing.case import Case
from gateway.pacing.classes import MARKETING_ONES
from gateway.pacing.reasons import BLOCKED, FREQUENCY_CAP, OPTED_OUT, QUIET_HOURS
from gateway.pacing.settings import reached
from gateway.pacing.verdict import Verdict
from gateway.pacing.zones import quiet_until, zones_of_contact


def blocked(case: Case) -> Verdict | None:
    """Nothing goes to a blocked contact, answers included."""
    contact = case.candidate.contact
    return Verdict.skip(BLOCKED) if contact is not None and contact.blocked_at is not None else None


def opted_out(case: Case) -> Verdict | None:
    """Whoever has opted out gets no marketing, and by setting nothing but answers."""
    contact = case.candidate.contact
    if contact is None or contact.opted_out_at is None:
        return None
    return Verdict.skip(OPTED_OUT) if case.candidate.pace_class in reached(case.pace.opt_out_for) else None


def frequency(case: Case) -> Verdict | None:
    """So much marketing and no more for one person, whichever session it comes from."""
    most, contact = case.pace.marketing_per_contact, case.candidate.contact
    if not most or contact is None or case.candidate.pace_class not in MARKETING_ONES:
        return None
    since = case.at - timedelta(days=case.pace.marketing_days)
    sends = store.marketing_sends(case.tx, org_id=case.candidate.org_id, contact_id=contact.id, since=since, most=most)
    return Verdict.skip(FREQUENCY_CAP) if len(sends) >= most else None


def quiet_hours(case: Case) -> Verdict | None:
    """At night in the contact's time zone, what can wait does."""
    hours, contact = case.pace.quiet, case.candidate.contact
    if hours is None or contact is None or case.candidate.pace_class not in reached(case.pace.quiet_for):
        return None
    zones = zones_of_contact(contact, otherwise=case.zone)
    until = quiet_until(case.at, begin=hours[0], end=hours[1], zones=zones, otherwise=case.zone)
    return None if until is None else Verdict.wait(QUIET_HOURS, until)
