"""How a session's own reports change where it stands."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from sessions.delivery import Delivery
from sessions.engine import StatusChange
from sessions.events import Connected, Disconnected, Ended, KeepAlive, Report
from sessions.protocol import SessionSpec
from sessions.status import NEEDS_A_PERSON, TRANSITIONS, Reason, SessionStatus, may_follow, sentence
from sessions.tracking import TrackedSession, status_after
from tests.engine.worlds import Recorder


class Dawdler(Recorder):
    """A listener that never comes to an end with what it is told."""

    async def on_status(self, change: StatusChange) -> None:
        await asyncio.Event().wait()


@pytest.fixture
def listener() -> Recorder:
    return Recorder()


@pytest.fixture
async def session(listener: Recorder) -> AsyncIterator[TrackedSession]:
    """A session that is connected."""
    delivery = Delivery(session_id="ses_1", listener=listener)
    tracked = TrackedSession(spec=SessionSpec(session_id="ses_1", folder="/f"), delivery=delivery, clock=lambda: 5.0)
    tracked.set(SessionStatus.STARTING)
    tracked.set(SessionStatus.CONNECTING)
    tracked.take(Connected())
    yield tracked
    await delivery.close(1)


async def test_changes_are_told_in_order_and_only_once(session: TrackedSession, listener: Recorder) -> None:
    session.take(Connected())
    session.take(Disconnected())
    session.take(Disconnected())

    await listener.until(lambda: len(listener.changes) >= 4)

    assert [change.status for change in listener.changes] == [
        SessionStatus.STARTING,
        SessionStatus.CONNECTING,
        SessionStatus.CONNECTED,
        SessionStatus.RECONNECTING,
    ]


async def test_unanswered_pings_take_the_proof_of_life_and_answered_ones_give_it_back(
    session: TrackedSession,
) -> None:
    session.take(KeepAlive(failures=1))
    assert (session.status, session.change.live) == (SessionStatus.CONNECTED, False)
    session.take(KeepAlive(failures=2))
    assert session.keepalive_failures == 2
    session.take(KeepAlive(failures=0))
    assert (session.change.live, session.keepalive_failures) == (True, 0)


async def test_what_comes_after_the_end_changes_nothing(session: TrackedSession) -> None:
    session.take(Ended(reason=Reason.CONNECTED_ELSEWHERE))
    session.take(Disconnected())
    session.take(Connected())

    assert session.status is SessionStatus.REPLACED
    assert not session.change.live


async def test_a_listener_that_fails_on_a_status_still_gets_the_next(
    session: TrackedSession, listener: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[SessionStatus] = []

    async def fail(change: object) -> None:
        monkeypatch.undo()
        told.append(SessionStatus.STOPPED)
        raise RuntimeError("no")

    await listener.until(lambda: len(listener.changes) == 3)
    monkeypatch.setattr(listener, "on_status", fail)
    session.take(Disconnected())
    session.take(Connected())

    await listener.until(lambda: len(listener.changes) == 4)
    assert told
    assert listener.changes[-1].status is SessionStatus.CONNECTED


async def test_a_status_that_the_listener_could_not_take_is_offered_again(
    session: TrackedSession, listener: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(change: object) -> None:
        monkeypatch.undo()
        raise RuntimeError("no")

    await listener.until(lambda: len(listener.changes) == 3)
    monkeypatch.setattr(listener, "on_status", fail)
    session.take(Ended(reason=Reason.TEMPORARY_BAN))

    await listener.until(lambda: len(listener.changes) == 4)
    assert listener.changes[-1].status is SessionStatus.BANNED


async def test_reports_go_to_a_new_channel_only_once(listener: Recorder) -> None:
    delivery = Delivery(session_id="ses_1", listener=listener)
    report = Report(session_id="ses_1", seq=7, received_at=0.0, event=Connected())
    later = Report(session_id="ses_1", seq=8, received_at=0.0, event=Connected())

    delivery.put_reports([report])
    await listener.until(lambda: len(listener.reports) == 1)
    delivery.put_reports([report, later])
    await delivery.close(1)

    assert [found.seq for found in listener.reports] == [7, 8]


def test_every_reason_has_a_sentence_and_leads_somewhere() -> None:
    for reason in Reason:
        assert sentence(reason).endswith(".")
        assert status_after(reason) in SessionStatus


def test_a_session_may_always_be_stopped_and_only_a_start_leaves_an_end() -> None:
    for status in SessionStatus:
        assert may_follow(status, SessionStatus.STOPPED)
    for status in NEEDS_A_PERSON:
        assert TRANSITIONS[status] <= {SessionStatus.STOPPED, SessionStatus.STARTING, SessionStatus.PAIRING}


async def test_unlinking_it_ourselves_is_told_once(session: TrackedSession, listener: Recorder) -> None:
    with session.being_logged_out():
        session.take(Ended(reason=Reason.UNLINKED_FROM_PHONE, code=401))
        session.set(SessionStatus.LOGGED_OUT, Reason.UNLINKED_HERE)
    await listener.until(lambda: listener.changes and listener.changes[-1].status is SessionStatus.LOGGED_OUT)
    await session.delivery.close(1)

    ends = [change for change in listener.changes if change.status is SessionStatus.LOGGED_OUT]
    assert [change.reason for change in ends] == [Reason.UNLINKED_HERE]


async def test_a_delivery_whose_closing_is_cancelled_ends_nevertheless() -> None:
    before = asyncio.all_tasks()
    delivery = Delivery(session_id="ses_1", listener=Dawdler())
    delivery.put_status(StatusChange(session_id="ses_1", status=SessionStatus.STARTING, live=False))

    closing = asyncio.create_task(delivery.close(60))
    await asyncio.sleep(0)
    closing.cancel()
    await asyncio.gather(closing, return_exceptions=True)

    assert asyncio.all_tasks() == before
