"""What waits, what is skipped, and what goes: the gate's rules, message by message."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from gateway.contacts.consents import Consents, Evidence
from gateway.contacts.models import ConsentSource, Contact
from gateway.db.tx import Tx
from gateway.fleet.models import Session
from gateway.messages.requests import MessageIn
from gateway.messages.store import Entry
from gateway.pacing import store
from gateway.pacing.models import PaceDay
from gateway.pacing.reasons import SENTENCES, SKIPS
from gateway.pacing.settings import Pace
from gateway.pacing.zones import day_in, zone_of_session
from sessions.content import Text
from sessions.errors import NotConnectedError, OutcomeUnknownError
from tests.messages.world import ANNA, BEN, PRINCIPAL, World, name_of, poll
from tests.pacing.conftest import INDIAN, NUMBERS, MakeWorld


async def shop_of(world: World) -> Session:
    return await world.session_when((await world.sessions_all())[0].id, lambda row: True)


async def hear(world: World, sender: str) -> None:
    """Somebody writes to the shop."""
    before = len(await world.all(direction="in"))
    world.engine.incoming(name_of(await shop_of(world)), sender, Text(body="hi"))
    await world.incoming(before + 1)


async def held(world: World, entry: Entry, reason: str) -> Entry:
    """A message once the gate has said of it, or of its class, that it waits for this reason."""

    async def look() -> Entry | None:
        found = await world.find(entry.message.id)
        closure = world.gate.closures.find(found.message.session_id, found.message.pace_class, at=world.clock.now())
        said = found.message.reason or (closure.reason if closure else None)
        return found if found.message.state == "queued" and said == reason else None

    return await poll(look, what=reason, now=lambda: world.find(entry.message.id))


async def counted(world: World, **expected: int) -> None:
    """Come back once today's counts are these; a verdict is known a moment before it is committed."""

    async def look() -> bool:
        today = await today_of(world)
        return {name: getattr(today, name) for name in expected} == expected

    await poll(look, what=str(expected))


async def today_of(world: World) -> PaceDay:
    session = await shop_of(world)
    day = day_in(zone_of_session(session, Pace()), world.clock.now())
    return await world.database.read(lambda tx: store.day(tx, org_id=1, session_id=session.id, on=day))


def consents_of(world: World) -> Consents:
    return Consents(ids=world.ids, clock=world.clock, contacts=world.contacts)


async def change_contact(world: World, entry: Entry, change: Any) -> None:
    def work(tx: Tx) -> None:
        assert entry.contact is not None
        contact = world.contacts.get(tx, org_id=1, contact_id=entry.contact.id)
        change(tx, contact)

    await world.database.write(work)


TOLD = Evidence(source=ConsentSource.API)


async def test_by_default_nothing_but_marketing_is_paced(any_world_at: MakeWorld) -> None:
    world = await any_world_at(Pace(marketing_per_minute=20, warm_up="marketing", warm_up_plan=(20,)))
    await world.start()

    entries = [await world.queue(to=number) for number in NUMBERS[:15]]

    for entry in entries:
        await world.when(entry.message.id, "delivered")
    assert set(world.verdicts) == {"now"}


async def test_who_has_opted_out_gets_answers_but_no_marketing(any_world_at: MakeWorld) -> None:
    world = await any_world_at(Pace())
    marketing = await world.queue(purpose="marketing")
    plain = await world.queue()
    await change_contact(world, plain, lambda tx, contact: consents_of(world).opt_out(tx, contact, TOLD))
    await world.start()

    skipped = await world.when(marketing.message.id, "skipped")

    assert skipped.message.reason == "opted_out"
    await world.when(plain.message.id, "delivered")


async def test_an_opt_out_can_reach_everything_but_replies(world_at: MakeWorld) -> None:
    world = await world_at(Pace(opt_out_for="all"))
    before = await world.queue(purpose="transactional")
    await change_contact(world, before, lambda tx, contact: consents_of(world).opt_out(tx, contact, TOLD))
    await world.start()

    await world.when(before.message.id, "skipped")
    await hear(world, ANNA)
    answer = await world.queue()

    await world.when(answer.message.id, "delivered")


async def test_nothing_at_all_goes_to_a_blocked_contact(any_world_at: MakeWorld) -> None:
    world = await any_world_at(Pace())
    await hear(world, ANNA)
    answer = await world.queue(purpose="reply")
    await change_contact(world, answer, lambda tx, contact: consents_of(world).block(tx, contact, blocked=True))
    await world.start()

    assert (await world.when(answer.message.id, "skipped")).message.reason == "blocked"


async def test_marketing_waits_for_the_morning_where_the_contact_lives(any_world_at: MakeWorld) -> None:
    world = await any_world_at(Pace(quiet_hours="11:00-14:00"))  # noon in UTC is 13:00 in Berlin
    in_india = await world.queue(to=INDIAN, purpose="marketing")  # 17:30 there
    in_berlin = await world.queue(to=ANNA, purpose="marketing")
    urgent = await world.queue(to=ANNA, purpose="transactional")
    await world.start()

    await world.when(in_india.message.id, "delivered")
    await world.when(urgent.message.id, "delivered")
    waiting = await held(world, in_berlin, "quiet_hours")
    assert waiting.message.next_at == datetime(2026, 3, 1, 13, 0, tzinfo=UTC)

    world.advance(3600)
    world.dispatcher.wake()
    await world.when(in_berlin.message.id, "delivered")


async def test_a_contacts_own_time_zone_wins_over_its_number(world_at: MakeWorld) -> None:
    world = await world_at(Pace(quiet_hours="11:00-14:00"))
    entry = await world.queue(to=ANNA, purpose="marketing")

    def move(tx: Tx, contact: Contact) -> None:
        world.contacts.change(tx, org_id=1, contact_id=contact.id, timezone="Asia/Kolkata")

    await change_contact(world, entry, move)
    await world.start()

    await world.when(entry.message.id, "delivered")


async def test_one_person_gets_so_much_marketing_and_no_more_from_all_sessions_together(
    any_world_at: MakeWorld,
) -> None:
    world = await any_world_at(Pace(marketing_per_contact=2, marketing_days=7))
    await world.link("second", "+4915110000009")
    await world.start()

    first = await world.queue(purpose="marketing")
    await world.when(first.message.id, "delivered")
    second = await world.queue(session="second", purpose="marketing")
    await world.when(second.message.id, "delivered")
    third = await world.queue(purpose="marketing")

    assert (await world.when(third.message.id, "skipped")).message.reason == "frequency_cap"
    world.advance(timedelta(days=7, seconds=1).total_seconds())
    later = await world.queue(purpose="marketing")
    await world.when(later.message.id, "delivered")


async def test_only_so_many_strangers_are_written_to_in_a_day(any_world_at: MakeWorld) -> None:
    world = await any_world_at(Pace(first_contacts_per_day=2))
    await world.start()

    entries = [await world.queue(to=number) for number in NUMBERS[:3]]
    again = await world.queue(to=NUMBERS[0])

    await world.when(entries[1].message.id, "delivered")
    await world.when(again.message.id, "delivered")
    await held(world, entries[2], "first_contact_cap")
    await counted(world, first_contacts=2)

    world.advance(timedelta(hours=11).total_seconds())  # midnight in Berlin
    world.dispatcher.wake()
    await world.when(entries[2].message.id, "delivered")


async def test_somebody_who_writes_is_no_stranger_any_more(any_world_at: MakeWorld) -> None:
    world = await any_world_at(Pace(first_contacts_per_day=1))
    await world.start()
    await world.when((await world.queue(to=BEN)).message.id, "delivered")
    waiting = await world.queue(to=ANNA)
    await held(world, waiting, "first_contact_cap")

    await hear(world, ANNA)

    await world.when(waiting.message.id, "delivered")


async def test_a_session_sends_so_many_a_day_and_replies_beside(any_world_at: MakeWorld) -> None:
    world = await any_world_at(Pace(per_day=3))
    await world.start()
    entries = [await world.queue(to=number) for number in NUMBERS[:5]]
    await held(world, entries[4], "daily_cap")

    await hear(world, ANNA)
    answers = [await world.queue(to=ANNA) for _ in range(5)]

    for answer in answers:
        await world.when(answer.message.id, "delivered")
    await counted(world, plain=3, replies=5, unasked=3)
    assert (await world.find(entries[3].message.id)).message.state == "queued"


async def test_a_phone_linked_today_sends_little_marketing_and_more_each_day(any_world_at: MakeWorld) -> None:
    world = await any_world_at(Pace(warm_up="marketing", warm_up_plan=(2, 3)))
    await world.start()
    entries = [await world.queue(to=number, purpose="marketing") for number in NUMBERS[:8]]
    awaited = await world.queue(to=ANNA, purpose="auth")
    plain = await world.queue(to=BEN)

    await held(world, entries[2], "warm_up")
    await world.when(awaited.message.id, "delivered")
    await world.when(plain.message.id, "delivered")
    await counted(world, marketing=2)

    world.advance(86_400)
    world.dispatcher.wake()
    await held(world, entries[5], "warm_up")
    await counted(world, marketing=3)

    world.advance(86_400)  # the plan is over
    world.dispatcher.wake()
    for entry in entries:
        await world.when(entry.message.id, "delivered")


async def test_an_answer_that_is_a_day_late_is_none(any_world_at: MakeWorld) -> None:
    world = await any_world_at(Pace(per_day=1))
    await hear(world, ANNA)
    late = await world.queue(to=ANNA)
    other = await world.queue(to=BEN)
    world.advance(86_401)

    await world.start()

    await world.when(late.message.id, "delivered")
    await held(world, other, "daily_cap")
    await counted(world, plain=1, replies=0)


async def test_a_session_keeps_its_rate_and_replies_do_not_wait_for_it(any_world_at: MakeWorld) -> None:
    world = await any_world_at(Pace(per_minute=60, burst=2))
    await world.start()
    entries = [await world.queue(to=number) for number in NUMBERS[:4]]
    await world.when(entries[1].message.id, "delivered")
    await held(world, entries[2], "rate")
    await hear(world, ANNA)

    await world.when((await world.queue(to=ANNA)).message.id, "delivered")

    assert (await world.find(entries[2].message.id)).message.state == "queued"
    world.advance(1)
    world.dispatcher.wake()
    await world.when(entries[2].message.id, "delivered")
    await held(world, entries[3], "rate")


async def test_marketing_goes_one_by_one(any_world_at: MakeWorld) -> None:
    world = await any_world_at(Pace(marketing_per_minute=20))
    await world.start()
    first, second = [await world.queue(to=number, purpose="marketing") for number in NUMBERS[:2]]
    await world.when(first.message.id, "delivered")
    await held(world, second, "marketing_rate")

    await world.when((await world.queue(to=ANNA)).message.id, "delivered")
    world.advance(2.9)
    world.dispatcher.wake()
    await held(world, second, "marketing_rate")
    world.advance(0.1)
    world.dispatcher.wake()

    await world.when(second.message.id, "delivered")


async def test_two_messages_to_a_chat_keep_their_gap_and_their_order(any_world_at: MakeWorld) -> None:
    world = await any_world_at(Pace(chat_gap_seconds=10))
    await world.start()
    first, second, third = [await world.queue(body=str(number)) for number in range(3)]
    other = await world.queue(to=BEN)
    await world.when(other.message.id, "delivered")
    await world.when(first.message.id, "delivered")
    await held(world, second, "chat_gap")
    await held(world, third, "chat_gap")

    world.advance(10)
    world.dispatcher.wake()
    await world.when(second.message.id, "delivered")
    await held(world, third, "chat_gap")
    world.advance(10)
    world.dispatcher.wake()
    await world.when(third.message.id, "delivered")


async def test_what_was_counted_survives_a_restart(any_world_at: MakeWorld) -> None:
    pace = Pace(per_day=1, per_minute=1, burst=1)
    world = await any_world_at(pace)
    await world.start()
    await world.when((await world.queue()).message.id, "delivered")
    await world.dispatcher.stop()
    world.gate.closures.reopen((await shop_of(world)).id)  # what memory knew is gone

    await world.dispatcher.start()
    second = await world.queue(to=BEN)

    await held(world, second, "daily_cap")


async def test_what_did_not_reach_whatsapp_does_not_count_and_what_may_have_does(any_world_at: MakeWorld) -> None:
    world = await any_world_at(Pace(per_day=2))
    shop = name_of(await shop_of(world))
    world.engine.fail_next(shop, NotConnectedError())
    world.engine.fail_next(shop, OutcomeUnknownError(), reached_wire=True)
    await world.start()

    maybe = await world.queue()
    await poll(lambda: is_back_in_queue(world, maybe))
    world.advance(60)
    world.dispatcher.wake()
    await world.when(maybe.message.id, "uncertain")

    await counted(world, plain=1)


async def test_new_settings_apply_to_what_waits(any_world_at: MakeWorld) -> None:
    world = await any_world_at(Pace(quiet_hours="11:00-14:00", per_day=1))
    await world.start()
    asleep = await world.queue(purpose="marketing")
    await held(world, asleep, "quiet_hours")
    await world.when((await world.queue(to=BEN)).message.id, "delivered")
    capped = await world.queue(to=BEN)
    await held(world, capped, "daily_cap")
    shop = await shop_of(world)

    def change(tx: Tx) -> None:
        row = tx.session.get(Session, shop.id)
        assert row is not None
        world.sessions.change_settings(tx, row, {"pace": {"quiet_hours": "", "per_day": 0}})

    await world.database.write(change)

    await world.when(asleep.message.id, "delivered")
    await world.when(capped.message.id, "delivered")


async def test_a_thousand_held_messages_hold_nobody_else_and_are_judged_once(world_at: MakeWorld) -> None:
    world = await world_at(Pace(warm_up="marketing", warm_up_plan=(1,)))
    await world.start()
    await world.queue(to=BEN, purpose="marketing")
    await queue_many(world, 1000)
    await poll(lambda: world.said("warm_up"))
    judged = len(world.verdicts)

    await world.when((await world.queue(to=ANNA)).message.id, "delivered")

    assert len(world.verdicts) == judged + 1
    assert await world.said("warm_up") == 1


async def test_a_thousand_sleepers_are_judged_once_each(world_at: MakeWorld) -> None:
    world = await world_at(Pace(quiet_hours="11:00-14:00"))
    await world.start()
    await queue_many(world, 300)
    await poll(lambda: _said_at_least(world, "quiet_hours", 300))

    await world.when((await world.queue(to=ANNA)).message.id, "delivered")

    assert await world.said("quiet_hours") == 300


async def _said_at_least(world: World, reason: str, count: int) -> bool:
    return await world.said(reason) >= count


async def queue_many(world: World, count: int) -> None:
    """Marketing to forty people, accepted in a few transactions."""
    request = {"session": "shop", "type": "text", "text": {"body": "Sale!"}, "purpose": "marketing"}

    def work(tx: Tx, first: int) -> None:
        for index in range(first, min(first + 250, count)):
            wanted = MessageIn.model_validate(request | {"to": NUMBERS[index % len(NUMBERS)]})
            world.messages.queue(tx, PRINCIPAL, wanted, content=Text(body="Sale!"), media_id=None)

    for first in range(0, count, 250):
        await world.database.write(partial(work, first=first))


async def is_back_in_queue(world: World, entry: Entry) -> bool:
    found = (await world.find(entry.message.id)).message
    return found.state == "queued" and found.reason is not None


def test_every_reason_has_its_sentence() -> None:
    assert set(SENTENCES) >= SKIPS
    assert all(sentence.endswith(".") for sentence in SENTENCES.values())


async def test_a_time_lock_holds_strangers_until_whatsapp_takes_one_again(any_world_at: MakeWorld) -> None:
    world = await any_world_at(Pace())
    await hear(world, ANNA)
    shop = await shop_of(world)

    def lock(tx: Tx) -> None:
        row = tx.session.get(Session, shop.id)
        assert row is not None
        world.sessions.note_timelock(tx, row, world.clock.now())

    await world.database.write(lock)
    await world.start()
    stranger = await world.queue(to=BEN)
    await held(world, stranger, "timelock")
    await world.when((await world.queue(to=ANNA)).message.id, "delivered")

    world.advance(86_400)
    world.dispatcher.wake()

    await world.when(stranger.message.id, "delivered")
    await world.session_when(shop.id, lambda row: row.timelocked_until is None)


pytestmark = pytest.mark.timeout(60)
