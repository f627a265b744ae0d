"""The event log: in the transaction of what happened, in the order of commits, on both databases."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import text

from gateway.db.tx import Tx
from gateway.events import store
from gateway.events.catalogue import CATALOGUE, matching
from gateway.events.models import Event
from gateway.events.schemas import EventOut, envelope
from gateway.events.service import EventLog, Forgotten, UnknownEventTypeError
from tests.conftest import add_org


@pytest.fixture
def log(clock: Any) -> EventLog:
    return EventLog(clock=clock, check_payloads=True)


def say(log: EventLog, tx: Tx, number: int, **more: Any) -> Event:
    options: dict[str, Any] = {"org_id": 1, "type": "webhook.test", "subject": ("webhook", 5), **more}
    return log.emit(tx, data={"number": number}, **options)


def forget(log: EventLog, tx: Tx, clock: Any, *, needed: frozenset[int] = frozenset(), **more: Any) -> Forgotten:
    options: dict[str, Any] = {"before": clock.now(), "after": 0, "limit": 10, **more}
    return log.forget(tx, needed=lambda _tx, _event_ids: needed, **options)


async def logged(database: Any, **more: Any) -> list[Event]:
    options = {"org_id": 1, "after": 0, "limit": 1000, **more}
    return list(await database.read(lambda tx: store.page(tx, **options)))


async def test_events_of_one_transaction_keep_their_order(any_database: Any, any_org: Any, log: EventLog) -> None:
    events = await any_database.write(lambda tx: [say(log, tx, number) for number in range(20)])

    assert [event.data["number"] for event in await logged(any_database)] == list(range(20))
    assert [event.id for event in events] == sorted(event.id for event in events)


async def test_what_is_rolled_back_was_never_said(any_database: Any, any_org: Any, log: EventLog) -> None:
    woken: list[bool] = []
    log.when_committed(lambda: woken.append(True))

    def work(tx: Tx) -> None:
        say(log, tx, 1)
        raise RuntimeError("it did not happen")

    with pytest.raises(RuntimeError):
        await any_database.write(work)

    assert await logged(any_database) == []
    assert woken == []


async def test_a_savepoint_inside_the_work_neither_loses_nor_doubles_events(
    any_database: Any, any_org: Any, log: EventLog
) -> None:
    def work(tx: Tx) -> None:
        say(log, tx, 1)
        with tx.session.begin_nested():
            say(log, tx, 2)
        say(log, tx, 3)

    await any_database.write(work)

    assert [event.data["number"] for event in await logged(any_database)] == [1, 2, 3]


async def test_subscribers_write_in_the_same_transaction_and_can_undo_it(
    any_database: Any, any_org: Any, log: EventLog
) -> None:
    seen: list[int] = []

    def subscriber(tx: Tx, event: Event) -> None:
        seen.append(event.id)
        if event.data["number"] == 2:
            raise RuntimeError("no room for the delivery")

    log.subscribe(subscriber)
    await any_database.write(lambda tx: say(log, tx, 1))
    with pytest.raises(RuntimeError):
        await any_database.write(lambda tx: say(log, tx, 2))

    events = await logged(any_database)
    assert [event.data["number"] for event in events] == [1]
    assert seen[0] == events[0].id


async def test_what_a_subscriber_emits_is_logged_too(any_database: Any, any_org: Any, log: EventLog) -> None:
    def subscriber(tx: Tx, event: Event) -> None:
        if event.data["number"] < 3:
            say(log, tx, event.data["number"] + 1)

    log.subscribe(subscriber)
    await any_database.write(lambda tx: say(log, tx, 1))

    assert [event.data["number"] for event in await logged(any_database)] == [1, 2, 3]


async def test_a_reader_by_position_misses_nothing_while_many_write(
    any_database: Any, any_org: Any, log: EventLog
) -> None:
    writers, rounds = 12, 10
    seen: list[int] = []
    done = asyncio.Event()

    def dawdle(tx: Tx, event: Event) -> None:
        """Some transactions take long from their place in the log to their commit."""
        if tx.dialect == "postgresql" and event.data["number"] % 3 == 0:
            tx.execute(text("SELECT pg_sleep(0.004)"))

    log.subscribe(dawdle)

    async def write(number: int) -> None:
        for _ in range(rounds):
            await any_database.write(lambda tx: [say(log, tx, number), say(log, tx, number)])

    async def read() -> None:
        position = 0
        while True:
            finished = done.is_set()
            for event in await logged(any_database, after=position):
                position = event.id
                seen.append(event.id)
            if finished:
                return

    reader = asyncio.create_task(read())
    await asyncio.gather(*(write(number) for number in range(writers)))
    done.set()
    await reader

    assert seen == [event.id for event in await logged(any_database)]
    assert len(seen) == writers * rounds * 2


async def test_positions_are_never_given_twice(any_database: Any, any_org: Any, log: EventLog, clock: Any) -> None:
    first = await any_database.write(lambda tx: say(log, tx, 1))
    clock.advance(10)

    gone = await any_database.write(lambda tx: forget(log, tx, clock))
    second = await any_database.write(lambda tx: say(log, tx, 2))

    assert gone.count == 1
    assert second.id > first.id


async def test_old_events_go_in_bites_but_none_that_is_still_needed(
    any_database: Any, any_org: Any, log: EventLog, clock: Any
) -> None:
    old = [await any_database.write(lambda tx, n=number: say(log, tx, n)) for number in range(5)]
    clock.advance(60)
    cutoff = clock.now()
    await any_database.write(lambda tx: say(log, tx, 5))

    options: dict[str, Any] = {"before": cutoff, "limit": 3, "needed": frozenset({old[1].id, old[4].id})}
    first = await any_database.write(lambda tx: forget(log, tx, clock, **options))
    second = await any_database.write(lambda tx: forget(log, tx, clock, after=first.next_after, **options))

    assert (first.count, first.next_after) == (2, old[2].id)
    assert (second.count, second.next_after) == (1, None)
    assert [event.data["number"] for event in await logged(any_database)] == [1, 4, 5]
    assert await any_database.read(lambda tx: store.start_of_log(tx, org_id=1)) == old[3].id


async def test_the_log_of_one_organization_begins_where_its_own_events_do(
    any_database: Any, any_org: Any, log: EventLog, clock: Any
) -> None:
    await any_database.write(lambda tx: add_org(tx, clock, org_id=2))
    await any_database.write(lambda tx: [say(log, tx, 1), say(log, tx, 2)])
    clock.advance(60)

    await any_database.write(lambda tx: forget(log, tx, clock))

    assert await any_database.read(lambda tx: store.start_of_log(tx, org_id=1)) > 0
    assert await any_database.read(lambda tx: store.start_of_log(tx, org_id=2)) == 0
    assert await any_database.read(store.last_position) == await any_database.read(
        lambda tx: store.start_of_log(tx, org_id=1)
    )


async def test_an_organization_sees_only_its_own_events(
    any_database: Any, any_org: Any, log: EventLog, clock: Any
) -> None:
    await any_database.write(lambda tx: add_org(tx, clock, org_id=2))
    await any_database.write(lambda tx: [say(log, tx, 1), say(log, tx, 2, org_id=2)])

    assert [event.data["number"] for event in await logged(any_database)] == [1]
    assert [event.data["number"] for event in await logged(any_database, org_id=2)] == [2]


async def test_pages_are_filtered_by_type_and_session(any_database: Any, any_org: Any, log: EventLog) -> None:
    qr = {"type": "session.qr", "subject": ("ses", 7), "session_id": 7}
    await any_database.write(
        lambda tx: [say(log, tx, 1), log.emit(tx, org_id=1, data={"index": 0, "expires_at": "soon"}, **qr)]
    )

    assert [event.type for event in await logged(any_database, types=matching(["session.*"]))] == ["session.qr"]
    assert [event.type for event in await logged(any_database, session_ids={7})] == ["session.qr"]
    assert await logged(any_database, session_ids={8}) == []


async def test_the_envelope_is_the_one_that_is_documented(database: Any, org: Any, log: EventLog) -> None:
    await database.write(lambda tx: say(log, tx, 1, session_id=7, subject=("whk", 5)))
    [event] = await logged(database)

    outside = envelope(event)

    assert EventOut.model_validate(outside).model_dump(mode="json") == outside
    assert outside["id"].startswith("evt_")
    assert outside["session"].startswith("ses_")
    assert outside["subject"] == {"type": "webhook", "id": "whk_0000000000005"}
    assert outside["at"] == "2026-03-01T12:00:00.000Z"


async def test_an_unknown_type_and_wrong_data_are_refused(database: Any, org: Any, log: EventLog) -> None:
    with pytest.raises(UnknownEventTypeError):
        await database.write(lambda tx: say(log, tx, 1, type="toy.made"))
    with pytest.raises(ValidationError):
        await database.write(lambda tx: say(log, tx, 1, type="session.qr"))


def test_a_glob_covers_types() -> None:
    assert matching(["*"]) == {event.name for event in CATALOGUE}
    assert {"webhook.test", "webhook.disabled"} < matching(["webhook.*"])
    assert matching(["message.received", "webhook.test"]) == {"message.received", "webhook.test"}
    assert matching(["nothing.*"]) == frozenset()
