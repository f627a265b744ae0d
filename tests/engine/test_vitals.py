"""When a worker asks WhatsApp for a sign of life, and what it makes of the answer or of its absence."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from random import Random

import pytest

from sessions.protocol import Probing
from sessions.worker.guard.handle import Gate
from sessions.worker.inbound import codes
from sessions.worker.pulse import Vitals

PROBING = Probing(every_seconds=100, answer_seconds=10, pulse_seconds=5)


class Patient:
    """A session whose clock and answers the test decides."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.answers = True
        self.asked = 0
        self.gate = Gate(started=True, paired=True, connected=True)
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.looked_at = threading.Event()
        self.is_asked = threading.Event()
        self.vitals = Vitals(
            session_id="ses_1",
            gate=self.gate,
            ask=self._ask,
            probing=PROBING,
            random=Random(1),
            monotonic=lambda: self.now,
            wall=lambda: self.now,
        )
        self.vitals.wake = self.looked_at.set

    def pass_time(self, seconds: float) -> None:
        self.now += seconds

    def probe(self) -> None:
        """Look, and wait until the probe that this begins has ended."""
        self.looked_at.clear()
        self.vitals.look()
        assert self.looked_at.wait(5)

    def _ask(self) -> bool:
        self.asked += 1
        self.is_asked.set()
        self.may_answer.wait(5)
        return self.answers


@pytest.fixture
def patient() -> Iterator[Patient]:
    made = Patient()
    yield made
    made.may_answer.set()


def test_while_something_arrives_nothing_is_asked(patient: Patient) -> None:
    for _ in range(50):
        patient.pass_time(30)
        patient.vitals.arrives(codes.CONNECTED)
        patient.vitals.kept()
        assert patient.vitals.look() > 0

    assert patient.asked == 0
    assert patient.vitals.pulse().last_proof_at == patient.now


def test_a_silent_session_is_asked_once_per_interval_with_chance_in_it(patient: Patient) -> None:
    waits = []
    for _ in range(20):
        wait = patient.vitals.look()
        waits.append(wait)
        patient.pass_time(wait)
        patient.probe()

    assert patient.asked == 20
    assert min(waits) >= 80
    assert max(waits) <= 120
    assert len({round(wait, 3) for wait in waits}) > 10, "many sessions must not ask at the same time"


def test_an_answer_proves_life_and_says_how_long_it_took(patient: Patient) -> None:
    patient.pass_time(120)
    patient.may_answer.clear()
    patient.looked_at.clear()
    patient.vitals.look()
    assert patient.is_asked.wait(5)
    patient.pass_time(0.25)
    patient.may_answer.set()
    assert patient.looked_at.wait(5)

    pulse = patient.vitals.pulse()

    assert pulse.probe_ms == pytest.approx(250)
    assert pulse.probes == (pytest.approx(0.25),)
    assert pulse.last_proof_at == patient.now
    assert pulse.overdue_seconds == 0
    assert patient.vitals.pulse().probes == (), "each probe is counted once"


def test_an_answer_that_does_not_come_is_overdue_until_anything_arrives(patient: Patient) -> None:
    patient.may_answer.clear()
    patient.pass_time(120)
    assert patient.vitals.look() == 10
    patient.pass_time(10)
    assert patient.vitals.pulse().overdue_seconds == 0
    patient.pass_time(4)
    assert patient.vitals.pulse().overdue_seconds == 4

    patient.vitals.arrives(codes.CONNECTED)

    assert patient.vitals.pulse().overdue_seconds == 0


def test_a_missed_keep_alive_is_followed_by_a_question_at_once(patient: Patient) -> None:
    patient.vitals.arrives(codes.KEEPALIVE_TIMEOUT)
    patient.probe()

    assert patient.asked == 1
    assert patient.vitals.pulse().last_frame_at is None, "it is the engine's own news, nothing has arrived"


def test_a_question_that_failed_is_asked_again_and_stays_overdue(patient: Patient) -> None:
    patient.answers = False
    patient.pass_time(120)
    patient.probe()
    patient.pass_time(11)
    patient.probe()

    assert patient.asked == 2
    assert patient.vitals.pulse().overdue_seconds == 1


def test_a_session_without_connection_is_not_asked(patient: Patient) -> None:
    patient.gate.connected = False
    patient.pass_time(1000)

    assert patient.vitals.look() == PROBING.pulse_seconds
    assert patient.asked == 0
    assert patient.vitals.pulse().overdue_seconds == 0


def test_a_journal_that_does_not_take_what_arrives_is_told(patient: Patient) -> None:
    patient.vitals.arrives(codes.CONNECTED)
    patient.pass_time(1)
    assert patient.vitals.pulse().held_seconds == 0
    patient.pass_time(6)
    assert patient.vitals.pulse().held_seconds == 7

    patient.vitals.kept()

    assert patient.vitals.pulse().held_seconds == 0


@pytest.mark.parametrize("code", [codes.DEVICE, codes.DISCONNECTED, codes.CONNECT_FAILURE])
def test_the_engines_own_news_prove_nothing(patient: Patient, code: int) -> None:
    patient.vitals.arrives(code)

    assert patient.vitals.pulse().last_proof_at is None
