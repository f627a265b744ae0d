"""One question to the gate, with the facts that its rules may ask for."""

from __future__ import annotations

from datetime import date, datetime
from functools import cached_property
from zoneinfo import ZoneInfo

from gateway.db.tx import Tx
from gateway.pacing import store
from gateway.pacing.models import PaceClock, PaceDay
from gateway.pacing.settings import Pace
from gateway.pacing.verdict import Candidate
from gateway.pacing.zones import day_in, next_day_in, zone_of_session


class Case:
    """Facts are read when a rule first asks: a message that no cap concerns costs no query."""

    def __init__(self, *, tx: Tx, candidate: Candidate, at: datetime, pace: Pace) -> None:
        self.tx = tx
        self.candidate = candidate
        self.at = at
        self.pace = pace

    @cached_property
    def zone(self) -> ZoneInfo:
        """The session's time zone."""
        return zone_of_session(self.candidate.session, self.pace)

    @cached_property
    def day(self) -> date:
        """The session's today."""
        return day_in(self.zone, self.at)

    @cached_property
    def tomorrow(self) -> datetime:
        """When the session's next day begins."""
        return next_day_in(self.zone, self.at)

    @cached_property
    def today(self) -> PaceDay:
        """What the session has sent today."""
        candidate = self.candidate
        return store.day(self.tx, org_id=candidate.org_id, session_id=candidate.session.id, on=self.day)

    @cached_property
    def clock(self) -> PaceClock:
        """How far the session's rates are used up."""
        candidate = self.candidate
        return store.clock(self.tx, org_id=candidate.org_id, session_id=candidate.session.id)
