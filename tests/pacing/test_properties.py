"""Whatever the settings and whatever comes: caps hold in every window, nobody waits for ever, replies never for a cap."""

from __future__ import annotations

import heapq
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine
from sqlalchemy.orm import Session as Connection
from sqlalchemy.pool import StaticPool

from gateway.chats.models import Chat
from gateway.chats.service import Chats
from gateway.contacts.models import Contact
from gateway.contacts.service import Contacts
from gateway.db.tables import load_tables
from gateway.db.tx import Tx
from gateway.events.service import EventLog
from gateway.fleet.models import Session
from gateway.fleet.service import Sessions
from gateway.kit.ids import IdGenerator
from gateway.pacing.classes import MARKETING_ONES, NEW, UNASKED, PaceClass, classify
from gateway.pacing.gate import Gate
from gateway.pacing.settings import Pace, Paces
from gateway.pacing.verdict import Answer, Candidate
from sessions.address import AddressKind
from tests.conftest import SettableClock

#: The night in which Berlin's clocks go forward lies in the middle.
BEGIN = datetime(2026, 3, 27, 10, 0, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")

paces = st.builds(
    Pace,
    timezone=st.just("Europe/Berlin"),
    per_minute=st.sampled_from([0.0, 0.5, 6.0]),
    burst=st.integers(1, 4),
    marketing_per_minute=st.sampled_from([0.0, 1.0, 20.0]),
    jitter=st.sampled_from([0.0, 0.5]),
    per_day=st.integers(0, 5),
    first_contacts_per_day=st.integers(0, 3),
    warm_up=st.sampled_from(["off", "marketing", "unlabelled"]),
    warm_up_plan=st.lists(st.integers(1, 4), max_size=4).map(lambda plan: tuple(sorted(plan))),
    marketing_per_contact=st.integers(0, 2),
    marketing_days=st.integers(1, 3),
    quiet_hours=st.sampled_from(["", "21:00-08:00", "01:30-02:30"]),
    quiet_for=st.sampled_from(["marketing", "unlabelled", "all"]),
)


@dataclass(frozen=True)
class Wish:
    """A message that wants to go; with ``heard`` its recipient writes to us at that moment instead."""

    minute: int
    person: int
    purpose: str | None
    heard: bool


wishes = st.lists(
    st.builds(
        Wish,
        minute=st.integers(0, 5) | st.integers(0, 3 * 24 * 60),  # crowds, and those who come by
        person=st.integers(0, 4),
        purpose=st.sampled_from([None, "marketing", "marketing", "auth", "reply"]),
        heard=st.sampled_from([False, False, False, False, False, True]),
    ),
    min_size=8,
    max_size=40,
)


@dataclass
class Simulation:
    """A lane without engine: asks the gate at the times it was told, and notes what went."""

    tx: Tx
    gate: Gate
    pace: Pace
    session: Session = field(default_factory=lambda: _session())
    sent: list[tuple[datetime, PaceClass, int]] = field(default_factory=list)
    waits: list[tuple[PaceClass, str]] = field(default_factory=list)
    skipped: int = 0

    def __post_init__(self) -> None:
        self.people = [_person(index) for index in range(5)]

    def run(self, wanted: list[Wish]) -> None:
        due = [(BEGIN + timedelta(minutes=wish.minute), index) for index, wish in enumerate(wanted)]
        heapq.heapify(due)
        questions = 0
        while due:
            questions += 1
            assert questions < 2000, "somebody waits for ever"
            at, index = heapq.heappop(due)
            until = self._ask(wanted[index], at)
            if until is not None:
                assert until > at, "waiting takes time"
                heapq.heappush(due, (until, index))

    def _ask(self, wish: Wish, at: datetime) -> datetime | None:
        contact, chat = self.people[wish.person]
        if wish.heard:
            chat.last_in_at = at
            return None
        pace_class = classify(purpose=wish.purpose, chat=chat, at=at)
        candidate = Candidate(
            org_id=1, session=self.session, chat=chat, contact=contact, purpose=wish.purpose, pace_class=pace_class
        )
        verdict = self.gate.may_send(self.tx, candidate, at=at)
        if verdict.answer is Answer.WAIT:
            assert not verdict.closes or pace_class in verdict.closes
            self.waits.append((pace_class, str(verdict.reason)))
            return verdict.wait_until
        if verdict.answer is Answer.NOW:
            self.gate.note_sent(self.tx, candidate, at=at)
            self.sent.append((at, pace_class, wish.person))
        else:
            self.skipped += 1
        return None

    def per_day(self, classes: frozenset[PaceClass]) -> Counter[object]:
        return Counter(at.astimezone(BERLIN).date() for at, one, _ in self.sent if one in classes)


def _session() -> Session:
    return Session(id=1, org_id=1, settings={}, phone="+4915110000001", paired_at=BEGIN)


def _person(index: int) -> tuple[Contact, Chat]:
    contact = Contact(id=10 + index, org_id=1, phone=["+4915110000002", "+919812345678"][index % 2])
    return contact, Chat(id=20 + index, org_id=1, session_id=1, kind=AddressKind.PERSON, contact_id=contact.id)


@pytest.fixture(scope="module")
def connection() -> Iterator[Connection]:
    """The tables alone, in memory; every example is rolled back."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    load_tables().create_all(engine)
    with Connection(engine) as opened:
        yield opened
    engine.dispose()


def simulate(connection: Connection, pace: Pace, wanted: list[Wish]) -> Simulation:
    clock = SettableClock()
    ids, events = IdGenerator(clock=clock, chance=random.Random(1)), EventLog(clock=clock)
    contacts = Contacts(ids=ids, clock=clock, events=events)
    gate = Gate(
        ids=ids,
        chance=random.Random(2),
        sessions=Sessions(clock=clock, ids=ids, events=events),
        contacts=contacts,
        chats=Chats(ids=ids, clock=clock, contacts=contacts),
        paces=Paces(defaults=pace),
        on_verdict=lambda _reason: None,
    )
    simulation = Simulation(tx=Tx(connection), gate=gate, pace=pace)
    try:
        simulation.run(wanted)
    finally:
        connection.rollback()
    return simulation


many = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@many
@given(pace=paces, wanted=wishes)
def test_no_cap_is_ever_exceeded(connection: Connection, pace: Pace, wanted: list[Wish]) -> None:
    done = simulate(connection, pace, wanted)

    if pace.per_day:
        assert max(done.per_day(UNASKED).values(), default=0) <= pace.per_day
    if pace.first_contacts_per_day:
        assert max(done.per_day(NEW).values(), default=0) <= pace.first_contacts_per_day
    if pace.warm_up != "off":
        first_day = BEGIN.astimezone(BERLIN).date()
        for age, most in enumerate(pace.warm_up_plan):
            assert done.per_day(MARKETING_ONES)[first_day + timedelta(days=age)] <= most
    for person in range(5 if pace.marketing_per_contact else 0):
        times = [at for at, one, whom in done.sent if one in MARKETING_ONES and whom == person]
        for early, late in zip(times, times[pace.marketing_per_contact :], strict=False):
            assert late - early >= timedelta(days=pace.marketing_days)


@many
@given(pace=paces, wanted=wishes)
def test_no_rate_is_ever_exceeded_in_any_window(connection: Connection, pace: Pace, wanted: list[Wish]) -> None:
    done = simulate(connection, pace, wanted)

    if pace.marketing_per_minute:
        times = [at for at, one, _ in done.sent if one in MARKETING_ONES]
        gap = timedelta(seconds=60 / pace.marketing_per_minute)
        assert all(late - early >= gap for early, late in pairwise(times))
    if pace.per_minute:
        times = [at for at, one, _ in done.sent if one in UNASKED]
        for first in range(len(times)):
            for last in range(first, len(times)):
                allowed = pace.burst + (times[last] - times[first]).total_seconds() / 60 * pace.per_minute
                assert last - first + 1 <= allowed + 1e-6


@many
@given(pace=paces, wanted=wishes)
def test_everything_goes_or_is_skipped_in_the_end(connection: Connection, pace: Pace, wanted: list[Wish]) -> None:
    done = simulate(connection, pace, wanted)

    assert len(done.sent) + done.skipped == sum(not wish.heard for wish in wanted)
    assert done.skipped == 0 or pace.marketing_per_contact


@many
@given(pace=paces, wanted=wishes)
def test_replies_never_wait(connection: Connection, pace: Pace, wanted: list[Wish]) -> None:
    done = simulate(connection, pace, wanted)

    assert PaceClass.REPLY not in {pace_class for pace_class, _ in done.waits}


@many
@given(pace=paces, wanted=wishes)
def test_the_night_is_kept(connection: Connection, pace: Pace, wanted: list[Wish]) -> None:
    if pace.quiet_hours != "21:00-08:00":
        return
    done = simulate(connection, pace, wanted)

    zones = [BERLIN, ZoneInfo("Asia/Kolkata")]
    for at, pace_class, person in done.sent:
        if pace_class in MARKETING_ONES:
            assert 8 <= at.astimezone(zones[person % 2]).hour < 21
