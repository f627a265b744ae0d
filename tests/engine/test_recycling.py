"""When a worker that still runs is replaced, and how soon the next one may come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from random import Random

import msgspec
import pytest

from sessions.delivery import Delivery
from sessions.events import Connected, Disconnected, KeepAlive
from sessions.protocol import Probing, SessionSpec
from sessions.recycling import Recycling
from sessions.settings import EngineSettings
from sessions.status import Reason, SessionStatus
from sessions.tracking import TrackedSession
from tests.engine.worlds import Recorder

SETTINGS = EngineSettings(
    recycle_after_seconds=0.05,
    probing=Probing(every_seconds=1, answer_seconds=10, pulse_seconds=0.02),
    missing_pulses=3,
)


class Ward:
    """Sessions of one worker and what is decided about it."""

    def __init__(self) -> None:
        self.listener = Recorder()
        self.verdicts: list[tuple[Reason, list[str]]] = []
        self.decided = asyncio.Event()
        self.sessions: list[TrackedSession] = []
        self.recycling = Recycling(settings=SETTINGS, random=Random(1), replace=self._replace)

    def connected(self, name: str) -> TrackedSession:
        delivery = Delivery(session_id=name, listener=self.listener)
        spec = SessionSpec(session_id=name, folder="/f")
        session = TrackedSession(spec=spec, delivery=delivery, clock=lambda: 5.0)
        session.set(SessionStatus.STARTING)
        session.take(Connected())
        self.sessions.append(session)
        return session

    def look(self) -> None:
        self.recycling.look(self.sessions)

    def _replace(self, reason: Reason, sick: Sequence[TrackedSession]) -> None:
        self.verdicts.append((reason, [session.session_id for session in sick]))
        self.decided.set()


@pytest.fixture
async def ward() -> AsyncIterator[Ward]:
    made = Ward()
    yield made
    made.recycling.end()
    for session in made.sessions:
        await session.delivery.close(1)


def overdue(session: TrackedSession, seconds: float) -> None:
    session.take_pulse(msgspec.structs.replace(session.pulse, overdue_seconds=seconds))


async def test_an_overdue_answer_degrades_and_one_twice_as_late_replaces(ward: Ward) -> None:
    session = ward.connected("ses_1")
    overdue(session, 1)
    ward.look()
    assert (session.change.live, session.change.reason) == (False, Reason.PROBE_UNANSWERED)
    assert ward.verdicts == []

    overdue(session, 10)
    ward.look()

    assert ward.verdicts == [(Reason.PROBE_UNANSWERED, ["ses_1"])]


async def test_an_answer_that_comes_late_gives_the_proof_back(ward: Ward) -> None:
    session = ward.connected("ses_1")
    overdue(session, 1)

    overdue(session, 0)

    assert (session.status, session.change.live, session.change.reason) == (SessionStatus.CONNECTED, True, None)


async def test_a_missed_keep_alive_and_an_overdue_answer_together_replace_at_once(ward: Ward) -> None:
    session = ward.connected("ses_1")
    session.take(KeepAlive(failures=1))
    ward.look()
    assert ward.verdicts == []

    overdue(session, 0.1)
    ward.look()

    assert ward.verdicts == [(Reason.KEEPALIVE_LOST, ["ses_1"])]


async def test_a_journal_that_is_stuck_is_told_but_a_new_worker_would_not_help(ward: Ward) -> None:
    session = ward.connected("ses_1")

    session.take_pulse(msgspec.structs.replace(session.pulse, held_seconds=300))
    ward.look()

    assert (session.change.live, session.change.reason) == (False, Reason.JOURNAL_STUCK)
    assert ward.verdicts == []


async def test_a_worker_that_falls_silent_is_replaced(ward: Ward) -> None:
    ward.connected("ses_1")
    ward.recycling.heard()
    ward.look()

    await asyncio.wait_for(ward.decided.wait(), 5)

    assert ward.verdicts == [(Reason.WORKER_SILENT, ["ses_1"])]


async def test_only_who_is_away_for_long_is_sick(ward: Ward) -> None:
    ward.connected("ses_1")
    ward.connected("ses_2").take(Disconnected())
    ward.look()

    await asyncio.wait_for(ward.decided.wait(), 5)

    assert ward.verdicts == [(Reason.CONNECTION_LOST, ["ses_2"])]


async def test_who_comes_back_in_time_is_left_alone(ward: Ward) -> None:
    session = ward.connected("ses_1")
    session.take(Disconnected())
    ward.look()
    session.take(Connected())
    ward.look()

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(ward.decided.wait(), 4 * SETTINGS.recycle_after_seconds)


async def test_the_first_new_worker_comes_at_once_and_later_ones_are_spread(ward: Ward) -> None:
    session = ward.connected("ses_1")
    pauses = []
    for _ in range(12):
        ward.recycling.begin()
        overdue(session, 10)
        ward.look()
        pauses.append(ward.recycling.pause_seconds())

    assert pauses[0] == 0
    assert max(pauses) > 10
    assert max(pauses) <= SETTINGS.backoff_limit_seconds
