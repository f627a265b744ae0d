"""Times come, messages are queued: each once, whatever happens to the gateway and to the clock."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.contacts.models import Contact
from gateway.db.tx import Tx
from gateway.kit.ids import parse_id, render_id
from gateway.maintenance.runs import OldRuns
from gateway.schedules.catching_up import Policy, plan
from gateway.schedules.recurrence import Recurrence
from sessions.address import Address, Jid
from sessions.status import Reason
from tests.messages.world import ANNA, BEN, PRINCIPAL, World
from tests.schedules.world import Calendar, at


async def test_a_time_that_comes_becomes_an_ordinary_message(any_calendar: Calendar) -> None:
    row = await any_calendar.create(body="Good morning")

    await any_calendar.go_to("2026-03-02T09:10:00Z")

    [entry] = await any_calendar.world.all()
    [run] = await any_calendar.runs(row)
    found = await any_calendar.find(row)
    assert (entry.message.body, entry.message.state) == ("Good morning", "queued")
    assert (run.outcome, run.message_id, at(run.due_at)) == ("queued", entry.message.id, "03-02 09:10")
    assert (found.next_at, found.last_at) == (
        datetime(2026, 3, 3, 9, 10, tzinfo=UTC),
        datetime(2026, 3, 2, 9, 10, tzinfo=UTC),
    )
    assert (found.state, found.occurred, found.fired, found.missed) == ("active", 1, 1, 0)


async def test_nothing_comes_before_its_time(calendar: Calendar) -> None:
    await calendar.create()

    await calendar.go_to("2026-03-02T09:09:59Z")

    assert await calendar.bodies() == []


async def test_a_schedule_fires_within_a_second_of_its_time(calendar: Calendar, eventually: Any) -> None:
    await calendar.create()
    calendar.set_clock("2026-03-02T09:09:59.700Z")
    await calendar.scheduler.start()

    # Its own pause is longer than what is left: it must have set itself a shorter one.
    began = asyncio.get_running_loop().time()
    calendar.world.advance(0.3)
    await eventually(calendar.bodies)

    assert asyncio.get_running_loop().time() - began < 1.0
    await calendar.scheduler.stop()


async def test_two_schedulers_on_one_store_send_one_message(any_calendar: Calendar) -> None:
    for number in range(20):
        await any_calendar.create(body=str(number))
    other = any_calendar.make_scheduler()
    any_calendar.set_clock("2026-03-02T09:10:00Z")

    await asyncio.gather(any_calendar.scheduler.run_once(), other.run_once())

    assert sorted(await any_calendar.bodies(), key=int) == [str(number) for number in range(20)]


async def test_a_message_that_is_refused_is_a_missed_time_with_its_reason(any_calendar: Calendar) -> None:
    world = any_calendar.world
    row = await any_calendar.create()
    await unlink(world)

    await any_calendar.go_to("2026-03-02T09:10:00Z")

    [run] = await any_calendar.runs(row)
    found = await any_calendar.find(row)
    [event] = await world.told("schedule.missed")
    assert (run.outcome, run.reason, run.message_id) == ("missed", "session_not_paired", None)
    assert (found.state, found.missed, found.fired) == ("active", 1, 0)
    assert (event.data["missed_because"], event.data["times"]) == ("session_not_paired", 1)
    assert await world.all() == []


async def test_a_count_ends_a_schedule(any_calendar: Calendar) -> None:
    row = await any_calendar.create(rrule="FREQ=DAILY;BYHOUR=9;BYMINUTE=10;BYSECOND=0;COUNT=2")

    for day in ("02", "03", "04"):
        await any_calendar.go_to(f"2026-03-{day}T09:10:00Z")

    found = await any_calendar.find(row)
    assert len(await any_calendar.bodies()) == 2
    assert (found.state, found.reason, found.next_at) == ("ended", "finished", None)
    assert [event.type for event in await any_calendar.world.told("schedule.fired", "schedule.ended")] == [
        "schedule.fired",
        "schedule.fired",
        "schedule.ended",
    ]


async def test_an_end_ends_a_schedule(calendar: Calendar) -> None:
    row = await calendar.create(ends_at="2026-03-03T09:10:00Z")

    for day in ("02", "03", "04"):
        await calendar.go_to(f"2026-03-{day}T09:10:00Z")

    assert len(await calendar.bodies()) == 2
    assert (await calendar.find(row)).state == "ended"


@pytest.mark.parametrize(
    ("policy", "bodies", "runs"),
    [
        ("skip", 0, [("missed", 4, "03-05 09:10")]),
        ("latest", 1, [("missed", 3, "03-04 09:10"), ("queued", 1, "03-05 09:10")]),
        ("all", 4, [("queued", 1, f"03-0{day} 09:10") for day in (2, 3, 4, 5)]),
    ],
)
async def test_after_a_downtime_the_policy_decides(
    any_calendar: Calendar, policy: str, bodies: int, runs: list[tuple[str, int, str]]
) -> None:
    row = await any_calendar.create(misfire=policy)

    await any_calendar.go_to("2026-03-05T20:00:00Z")

    assert len(await any_calendar.bodies()) == bodies
    assert [(run.outcome, run.times, at(run.due_at)) for run in await any_calendar.runs(row)] == runs
    found = await any_calendar.find(row)
    assert (found.occurred, found.fired, found.missed) == (4, bodies, 4 - bodies)
    assert found.next_at == datetime(2026, 3, 6, 9, 10, tzinfo=UTC)


async def test_a_time_within_its_grace_was_not_missed(calendar: Calendar) -> None:
    await calendar.create(misfire="skip", misfire_grace_seconds=600)

    await calendar.go_to("2026-03-02T09:19:59Z")

    assert len(await calendar.bodies()) == 1


async def test_missed_times_give_way_to_one_that_is_on_time(calendar: Calendar) -> None:
    await calendar.create(cron="*/5 * * * *", misfire="latest")

    await calendar.go_to("2026-03-01T14:00:10Z")

    assert len(await calendar.bodies()) == 1


def test_a_long_silence_is_caught_up_with_a_hundred_messages_at_most() -> None:
    begin = datetime(2026, 3, 1, tzinfo=UTC)
    recurrence = Recurrence(kind="cron", text="0 * * * *", time_zone="UTC", starts_at=begin)
    policy = Policy(misfire="all", grace=timedelta(seconds=60))

    first, *later = plan(recurrence, policy, next_at=begin, now=begin + timedelta(days=10, minutes=30), left=None)

    assert (first.is_fired, first.times, first.first_due_at) == (False, 141, begin)
    assert [step.is_fired for step in later] == [True] * 100
    assert [step.next_at for step in (first, *later)][:-1] == [step.first_due_at for step in later]
    assert later[-1].next_at == begin + timedelta(days=10, hours=1)


def test_no_more_times_come_up_than_are_left() -> None:
    begin = datetime(2026, 3, 1, tzinfo=UTC)
    recurrence = Recurrence(kind="cron", text="0 * * * *", time_zone="UTC", starts_at=begin)
    policy = Policy(misfire="all", grace=timedelta(seconds=60))

    steps = list(plan(recurrence, policy, next_at=begin, now=begin + timedelta(days=1), left=3))

    assert [step.next_at is None for step in steps] == [False, False, True]


async def test_a_clock_that_is_put_back_sends_nothing_twice(calendar: Calendar) -> None:
    await calendar.create()
    await calendar.go_to("2026-03-02T09:10:00Z")

    calendar.world.advance(-3600)
    await calendar.catch_up()
    await calendar.go_to("2026-03-02T09:10:00Z")
    await calendar.go_to("2026-03-02T10:00:00Z")

    assert len(await calendar.bodies()) == 1


async def test_a_clock_that_jumps_ahead_and_back_costs_nothing(calendar: Calendar) -> None:
    row = await calendar.create(cron="10 * * * *", misfire="all")
    await calendar.go_to("2026-03-01T12:30:00Z")

    await calendar.go_to("2026-03-01T13:30:00Z")
    calendar.world.advance(-3600)
    await calendar.catch_up()
    await calendar.go_to("2026-03-01T14:10:00Z")

    assert [at(run.due_at)[6:] for run in await calendar.runs(row)] == ["12:10", "13:10", "14:10"]


async def test_a_clock_that_jumps_ahead_is_noticed_within_seconds(calendar: Calendar, eventually: Any) -> None:
    await calendar.create(misfire_grace_seconds=7200)
    await calendar.scheduler.start()

    calendar.set_clock("2026-03-02T10:00:00Z")
    await eventually(calendar.bodies, timeout_seconds=3.0)

    await calendar.scheduler.stop()


async def test_a_failure_in_between_leaves_neither_message_nor_run(any_calendar: Calendar) -> None:
    """The transaction is broken off after the message was written, as a kill would."""
    row = await any_calendar.create()
    tell = any_calendar.firing._news.tell

    def break_off(*arguments: Any, **more: Any) -> None:
        raise RuntimeError("killed")

    any_calendar.firing._news.tell = break_off  # type: ignore[method-assign]
    await any_calendar.go_to("2026-03-02T09:10:00Z")
    broken = await any_calendar.bodies()
    any_calendar.firing._news.tell = tell  # type: ignore[method-assign]
    await any_calendar.go_to("2026-03-02T09:10:40Z")

    assert broken == []
    assert len(await any_calendar.bodies()) == 1
    assert [run.outcome for run in await any_calendar.runs(row)] == ["queued"]


async def test_one_that_fails_keeps_no_other_from_its_time(calendar: Calendar) -> None:
    broken = await calendar.create(body="broken")
    await calendar.create(body="sound")
    await calendar.world.database.write(
        lambda tx: setattr(
            calendar.schedules.get(tx, PRINCIPAL, broken.id, to_change=True), "template", {"type": "song"}
        )
    )

    await calendar.go_to("2026-03-02T09:10:00Z")

    assert await calendar.bodies() == ["sound"]


async def test_a_long_list_of_one_session_makes_no_other_wait(any_calendar: Calendar) -> None:
    await any_calendar.world.link(name="other", number=BEN)
    for number in range(6):
        await any_calendar.create(body=str(number))
    await any_calendar.create(session="other", body="mine")
    any_calendar.set_clock("2026-03-02T09:10:00Z")

    await any_calendar.make_scheduler(batch_limit=3).run_once()

    bodies = await any_calendar.bodies()
    assert len(bodies) == 3
    assert "mine" in bodies


async def test_a_message_that_lost_its_point_is_not_queued(calendar: Calendar) -> None:
    row = await calendar.create(expire_after_seconds=3600)

    await calendar.go_to("2026-03-02T09:10:00Z")
    [entry] = await calendar.world.all()
    await calendar.go_to("2026-03-03T12:00:00Z")

    [first, second] = await calendar.runs(row)
    assert entry.message.expires_at == datetime(2026, 3, 2, 10, 10, tzinfo=UTC)
    assert (first.outcome, second.outcome, second.reason) == ("queued", "missed", "expired")


async def test_a_contact_that_went_into_another_takes_its_schedules_along(any_calendar: Calendar) -> None:
    world = any_calendar.world
    phone, hidden = Jid.from_phone(ANNA), Jid.parse("123456789012345@lid")

    def meet(tx: Tx) -> tuple[Contact, Contact]:
        return tuple(world.contacts.identify(tx, org_id=1, address=Address.of(jid)) for jid in (phone, hidden))

    known, unknown = await world.database.write(meet)
    rows = [await any_calendar.create(to=render_id("con", contact.id)) for contact in (known, unknown)]
    await world.database.write(lambda tx: world.contacts.identify(tx, org_id=1, address=Address.of(phone, hidden)))

    await any_calendar.go_to("2026-03-02T09:10:00Z")

    recipients = {parse_id("con", (await any_calendar.find(row)).recipient) for row in rows}
    assert len(recipients) == 1
    assert {entry.message.contact_id for entry in await world.all()} == recipients
    assert len(await world.all()) == 2


async def test_what_came_of_each_time_is_counted_with_its_lag(calendar: Calendar) -> None:
    await calendar.create()

    await calendar.go_to("2026-03-02T09:10:02Z")
    await calendar.go_to("2026-03-04T12:00:00Z")

    assert calendar.ran == [("queued", 1, 2.0), ("missed", 1, 96_600.0), ("queued", 1, 10_200.0)]


async def unlink(world: World) -> None:
    def work(tx: Tx) -> None:
        session = world.sessions.get(tx, PRINCIPAL, "shop")
        world.sessions.unlinked(tx, session, Reason.UNLINKED_FROM_PHONE)

    await world.database.write(work)


async def test_what_came_of_a_time_is_forgotten_after_ninety_days_and_the_messages_stay(
    any_calendar: Calendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.maintenance.runs.BITE", 2)
    row = await any_calendar.create()
    for day in ("2026-03-02", "2026-03-03", "2026-03-04", "2026-05-31"):
        await any_calendar.go_to(f"{day}T09:10:00Z")
    world = any_calendar.world
    chore = OldRuns(database=world.database, clock=world.clock, schedules=any_calendar.schedules)
    any_calendar.set_clock("2026-06-02T12:00:00Z")

    gone = await chore.run_once()

    kept = [at(run.due_at) for run in await any_calendar.runs(row)]
    assert gone == 3
    assert kept == ["05-30 09:10", "05-31 09:10"], "what was missed meanwhile, and the last"
    assert len(await any_calendar.bodies()) == 4
