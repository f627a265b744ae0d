"""From accepted to delivered, and what happens when the engine does not say yes."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from gateway.db.tx import Tx
from gateway.fleet.models import Session
from gateway.kit.errors import ConflictError, InvalidError, NotFoundError, UnavailableError
from gateway.kit.ids import render_id
from gateway.messages.models import Hold, Message
from gateway.messages.outbox import lane
from gateway.messages.outbox.trying import MOST_STALLS
from gateway.messages.states import MessageState
from sessions.content import Text
from sessions.errors import (
    BusyError,
    NewChatsRefusedError,
    NotConnectedError,
    OutcomeUnknownError,
    RecipientUnknownError,
    RefusedError,
    WorkerLostError,
)
from sessions.events import ReceiptKind, ReceiptReceived
from tests.messages.world import ANNA, BEN, PRINCIPAL, World, name_of, poll


async def test_a_queued_message_is_sent_and_its_receipts_move_it_forward(any_world: World, any_shop: Session) -> None:
    world, shop = any_world, any_shop
    await world.start()

    entry = await world.queue(body="Good morning", client_ref="order-7")

    delivered = await world.when(entry.message.id, "delivered")
    world.engine.receipt(name_of(shop), delivered.message.wa_id or "", ReceiptKind.READ)
    read = await world.when(entry.message.id, "read")
    [(envelope, sent)] = world.engine.sent(name_of(shop))
    assert envelope.content == Text(body="Good morning")
    assert envelope.secret == read.message.secret
    assert len(envelope.secret) == 32
    assert read.message.wa_id == sent.wa_id
    assert read.message.sent_at
    assert read.message.delivered_at
    assert read.message.read_at
    assert read.message.sent_at <= read.message.delivered_at <= read.message.read_at
    queued, *later = await world.told("message.queued", "message.status")
    assert queued.data["state"] == "queued"
    assert [event.data["state"] for event in later] == ["sent", "delivered", "read"]
    assert {event.data["client_ref"] for event in later} == {"order-7"}


async def test_messages_leave_in_the_order_in_which_they_were_accepted(world: World, shop: Session) -> None:
    bodies = [f"number {number}" for number in range(30)]
    for number, body in enumerate(bodies):
        await world.queue(body=body, to=ANNA if number % 2 else BEN)

    await world.start()

    entries = await world.all()
    for entry in entries:
        await world.when(entry.message.id, "delivered", "read")
    assert [envelope.content.body for envelope, _ in world.engine.sent(name_of(shop))] == bodies


async def test_an_urgent_message_takes_its_chat_to_the_front_and_overtakes_nothing_within_it(
    world: World, shop: Session
) -> None:
    await world.queue(body="newsletter", to=BEN, priority="low")
    await world.queue(body="answer", to=ANNA, priority="low")
    last = await world.queue(body="code", to=ANNA, priority="high")

    await world.start()

    await world.when(last.message.id, "delivered")
    await world.when((await world.all())[0].message.id, "delivered")
    assert [e.content.body for e, _ in world.engine.sent(name_of(shop))] == ["answer", "code", "newsletter"]


async def test_a_session_that_is_away_keeps_its_messages_queued_until_it_is_back(world: World, shop: Session) -> None:
    world.engine.drop(name_of(shop))
    await world.session_when(shop.id, lambda row: row.status == "reconnecting")
    await world.start()
    entry = await world.queue()
    await world.dispatcher.run_once()

    assert (await world.find(entry.message.id)).message.state == "queued"

    world.engine.reconnect(name_of(shop))
    sent = await world.when(entry.message.id, "delivered")
    assert sent.message.attempts == 1


async def test_a_disconnection_during_the_try_costs_no_attempt(world: World, shop: Session) -> None:
    world.engine.fail_next(name_of(shop), NotConnectedError())
    world.tools.settled.watch()
    await world.start()

    entry = await world.queue()
    await world.tools.settled.wait()

    waiting = (await world.find(entry.message.id)).message
    assert (waiting.state, waiting.attempts, waiting.reason) == ("queued", 0, "session_not_connected")
    world.advance(2)
    world.dispatcher.wake()
    await world.when(entry.message.id, "delivered")


async def test_a_message_that_finds_no_connection_though_there_is_one_holds_nobody_else_up(
    world: World, shop: Session
) -> None:
    for _ in range(MOST_STALLS + 1):
        world.engine.fail_next(name_of(shop), NotConnectedError())
    world.tools.settled.watch()
    await world.start()
    stuck = await world.queue(to=ANNA)
    other = await world.queue(to=BEN)

    for _ in range(MOST_STALLS):
        await world.tools.settled.wait()
        world.tools.settled.watch()
        world.advance(6)
        world.dispatcher.wake()

    await world.when(other.message.id, "delivered")
    waiting = (await world.find(stuck.message.id)).message
    assert (waiting.state, waiting.attempts, waiting.reason) == ("queued", 1, "session_not_connected")
    world.advance(5)
    world.dispatcher.wake()
    await world.when(stuck.message.id, "delivered")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (RecipientUnknownError(), "recipient_unknown"),
        (RefusedError(), "refused"),
        (NewChatsRefusedError(), "new_chats_refused"),
    ],
)
async def test_a_refusal_fails_the_message_with_its_code(
    world: World, shop: Session, error: Exception, code: str
) -> None:
    world.engine.fail_next(name_of(shop), error)  # type: ignore[arg-type]
    await world.start()

    entry = await world.queue()

    failed = await world.when(entry.message.id, "failed")
    assert failed.message.error_code == code
    assert failed.message.error_detail
    [event] = await world.told("message.status")
    assert event.data["error"]["code"] == code


async def test_a_busy_whatsapp_slows_the_whole_session_down(world: World, shop: Session) -> None:
    world.engine.fail_next(name_of(shop), BusyError())
    world.tools.settled.watch()
    first = await world.queue(to=ANNA)
    second = await world.queue(to=BEN)
    await world.start()

    await world.tools.settled.wait()
    await world.dispatcher.run_once()

    put_off = (await world.find(first.message.id)).message
    assert put_off.state == "queued"
    assert put_off.next_at is not None
    assert (await world.find(second.message.id)).message.state == "queued"
    world.advance(3700)
    world.dispatcher.wake()
    await world.when(first.message.id, "delivered")
    await world.when(second.message.id, "delivered")


async def test_a_dead_worker_and_no_row_in_the_key_store_prove_that_sending_again_is_safe(
    world: World, shop: Session
) -> None:
    world.engine.fail_next(name_of(shop), WorkerLostError(), reached_wire=False)
    world.tools.settled.watch()
    await world.start()

    entry = await world.queue()
    await world.tools.settled.wait()
    world.advance(2)
    world.dispatcher.wake()

    await world.when(entry.message.id, "delivered")
    assert len(world.engine.sent(name_of(shop))) == 1


@pytest.mark.parametrize("error", [WorkerLostError(), OutcomeUnknownError()])
async def test_a_message_that_may_have_been_sent_is_uncertain_until_a_receipt_settles_it(
    world: World, shop: Session, error: Exception
) -> None:
    world.engine.fail_next(name_of(shop), error, reached_wire=True)  # type: ignore[arg-type]
    await world.start()

    entry = await world.queue()

    uncertain = await world.when(entry.message.id, "uncertain")
    assert uncertain.message.wa_id is not None
    assert world.engine.sent(name_of(shop)) == []
    world.engine.report(name_of(shop), delivered_by_anna(world, uncertain.message.wa_id))
    settled = await world.when(entry.message.id, "delivered")
    assert settled.message.error_code is None
    assert settled.message.sent_at is not None


async def test_an_unknown_outcome_of_a_living_worker_is_never_sent_again_by_itself(world: World, shop: Session) -> None:
    world.engine.fail_next(name_of(shop), OutcomeUnknownError(), reached_wire=False)
    await world.start()

    entry = await world.queue()

    await world.when(entry.message.id, "uncertain")
    await world.dispatcher.run_once()
    assert (await world.find(entry.message.id)).message.state == "uncertain"


async def test_one_chat_that_waits_for_another_try_keeps_its_order_and_delays_no_other_chat(
    world: World, shop: Session
) -> None:
    first = await world.queue(to=ANNA, body="one")
    await world.queue(to=ANNA, body="two")
    other = await world.queue(to=BEN, body="three")
    await world.database.write(lambda tx: _put_off(tx, first.message.id, world))
    await world.start()

    await world.when(other.message.id, "delivered")
    world.advance(61)
    world.dispatcher.wake()

    await world.when(first.message.id, "delivered")
    for entry in await world.all():
        await world.when(entry.message.id, "delivered")
    assert [e.content.body for e, _ in world.engine.sent(name_of(shop))] == ["three", "one", "two"]


async def test_a_scheduled_message_goes_when_its_time_has_come(world: World, shop: Session) -> None:
    await world.start()
    due = world.clock.now() + timedelta(minutes=5)

    entry = await world.queue(send_at=due)

    assert entry.message.state == "scheduled"
    await world.dispatcher.run_once()
    assert (await world.find(entry.message.id)).message.state == "scheduled"
    world.advance(301)
    world.dispatcher.wake()
    sent = await world.when(entry.message.id, "delivered")
    assert sent.message.due_at == due


async def test_a_message_that_lost_its_point_expires_instead_of_arriving_late(world: World, shop: Session) -> None:
    world.engine.drop(name_of(shop))
    await world.session_when(shop.id, lambda row: row.status == "reconnecting")
    entry = await world.queue(expires_at=world.clock.now() + timedelta(minutes=1))
    world.advance(61)

    await world.start()

    await world.when(entry.message.id, "expired")


async def test_a_waiting_message_can_be_cancelled_and_a_sent_one_cannot(world: World, shop: Session) -> None:
    waiting = await world.queue()
    cancelled = await world.database.write(lambda tx: world.messages.cancel(tx, PRINCIPAL, waiting.message.id))
    await world.start()
    sent = await world.queue()
    await world.when(sent.message.id, "delivered")

    assert cancelled.message.state == "cancelled"
    with pytest.raises(ConflictError, match="cannot be cancelled"):
        await world.database.write(lambda tx: world.messages.cancel(tx, PRINCIPAL, sent.message.id))
    assert len(world.engine.sent(name_of(shop))) == 1


async def test_a_failed_message_can_be_retried_with_a_new_secret(world: World, shop: Session) -> None:
    world.engine.fail_next(name_of(shop), RefusedError())
    await world.start()
    entry = await world.queue()
    failed = await world.when(entry.message.id, "failed")

    await world.database.write(lambda tx: world.messages.retry(tx, PRINCIPAL, entry.message.id))

    sent = await world.when(entry.message.id, "delivered")
    assert sent.message.secret != failed.message.secret
    assert sent.message.error_code is None


async def test_a_session_without_a_phone_or_without_existence_takes_no_message(world: World, org: object) -> None:
    await world.database.write(lambda tx: world.sessions.create(tx, PRINCIPAL, name="bare"))

    with pytest.raises(ConflictError) as unpaired:
        await world.queue(session="bare")
    with pytest.raises(NotFoundError) as unknown:
        await world.queue(session="nobody")

    assert unpaired.value.code == "session_not_paired"
    assert unknown.value.code == "session_not_found"
    assert await world.all() == []


async def test_an_answer_quotes_the_message_that_it_answers(world: World, shop: Session) -> None:
    await world.start()
    wa_id = world.engine.incoming(name_of(shop), ANNA, Text(body="Are you open?"))
    [asked] = await world.incoming()

    entry = await world.queue(body="Yes", reply_to=_edge(asked.message.id))

    await world.when(entry.message.id, "delivered")
    [(envelope, _)] = world.engine.sent(name_of(shop))
    assert envelope.quote is not None
    assert (envelope.quote.wa_id, envelope.quote.content) == (wa_id, Text(body="Are you open?"))
    assert envelope.quote.sender == world.engine.phone(ANNA).address


async def test_an_answer_to_a_message_of_another_chat_is_refused(world: World, shop: Session) -> None:
    world.engine.incoming(name_of(shop), BEN, Text(body="Are you open?"))
    [asked] = await world.incoming()

    with pytest.raises(InvalidError) as refused:
        await world.queue(to=ANNA, reply_to=_edge(asked.message.id))

    assert refused.value.fields[0].path == "reply_to"


async def test_sending_teaches_us_the_other_address_of_the_recipient(world: World, shop: Session) -> None:
    await world.start()

    entry = await world.queue(to=ANNA)

    assert entry.contact is not None
    assert entry.contact.lid is None
    delivered = await world.when(entry.message.id, "delivered")
    assert delivered.contact is not None
    assert delivered.contact.address == world.engine.phone(ANNA).address


async def test_what_was_in_flight_when_the_daemon_died_is_settled_by_proof(world: World, shop: Session) -> None:
    unsent = await world.queue(body="never left")
    sent = await world.queue(body="left", to=BEN)
    await world.database.write(lambda tx: _pretend_in_flight(tx, unsent.message.id, world))
    await world.database.write(lambda tx: _pretend_in_flight(tx, sent.message.id, world))
    world.engine.file_as_sent(sent.message.secret or b"", "3EB0FILED")

    await world.start()

    await world.when(unsent.message.id, "delivered")
    uncertain = await world.when(sent.message.id, "uncertain")
    assert uncertain.message.wa_id == "3EB0FILED"
    assert [e.content.body for e, _ in world.engine.sent(name_of(shop))] == ["never left"]


def delivered_by_anna(world: World, wa_id: str) -> ReceiptReceived:
    anna = world.engine.phone(ANNA).address
    return ReceiptReceived(chat=anna, by=anna, wa_ids=(wa_id,), receipt=ReceiptKind.DELIVERED, timestamp=1.8e9)


def _put_off(tx: Tx, message_id: int, world: World) -> None:
    row = tx.session.get(Message, message_id)
    assert row is not None
    row.hold, row.next_at = Hold.RETRY, world.clock.now() + timedelta(seconds=60)


def _pretend_in_flight(tx: Tx, message_id: int, world: World) -> None:
    row = tx.session.get(Message, message_id)
    assert row is not None
    row.state = MessageState.SENDING
    row.attempts = 1
    row.claimed_until = world.clock.now() + timedelta(seconds=210)


def _link_anew(tx: Tx, session_id: int, world: World) -> None:
    row = tx.session.get(Session, session_id)
    assert row is not None
    row.paired_at = world.clock.now()


def _edge(message_id: int) -> str:
    return render_id("msg", message_id)


async def test_a_phone_that_was_linked_anew_leaves_no_proof_of_what_was_sent_before(
    world: World, shop: Session
) -> None:
    entry = await world.queue()
    await world.database.write(lambda tx: _pretend_in_flight(tx, entry.message.id, world))
    world.advance(60)
    await world.database.write(lambda tx: _link_anew(tx, shop.id, world))

    await world.start()

    uncertain = await world.when(entry.message.id, "uncertain")
    assert uncertain.message.wa_id is None
    assert world.engine.sent(name_of(shop)) == []


async def test_stopping_waits_for_the_answer_to_what_is_being_sent(world: World, shop: Session) -> None:
    asked, may_answer = asyncio.Event(), asyncio.Event()
    working = world.engine.call

    async def answer_when_told(session_id: str, command: Any, **more: Any) -> Any:
        asked.set()
        await may_answer.wait()
        return await working(session_id, command, **more)

    world.engine.call = answer_when_told
    await world.start()
    first = await world.queue(body="one")
    second = await world.queue(body="two")
    await asyncio.wait_for(asked.wait(), 5)

    stopping = asyncio.create_task(world.dispatcher.stop())
    may_answer.set()
    await asyncio.wait_for(stopping, 5)

    await world.when(first.message.id, "sent", "delivered")
    assert (await world.find(second.message.id)).message.state == "queued"


async def test_an_answer_is_written_down_even_when_the_store_is_busy_at_first(
    world: World, shop: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane, "STORE_RETRY_SECONDS", 0.01)
    write, refusals = world.database.write, [UnavailableError()] * 3
    entry = await world.queue()

    class BusyAtFirst:
        async def write(self, work: Any) -> Any:
            if world.engine.sent(name_of(shop)) and refusals:
                raise refusals.pop()
            return await write(work)

    monkeypatch.setattr(world.tools, "database", _Both(world.database, BusyAtFirst()))
    await world.start()

    await world.when(entry.message.id, "delivered")
    assert refusals == []
    assert len(world.engine.sent(name_of(shop))) == 1


async def test_what_a_broken_lane_left_in_flight_is_settled_by_the_next_pass(
    world: World, shop: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    working = world.progress.sent
    monkeypatch.setattr(world.progress, "sent", _raise)
    entry = await world.queue()
    await world.start()
    await poll(lambda: _holds(world.engine.sent(name_of(shop)) and not world.dispatcher._lanes))
    assert (await world.find(entry.message.id)).message.state == "sending"

    monkeypatch.setattr(world.progress, "sent", working)
    await world.dispatcher.run_once()

    settled = await world.when(entry.message.id, "uncertain", "delivered")
    assert settled.message.wa_id == world.engine.sent(name_of(shop))[0][1].wa_id
    assert len(world.engine.sent(name_of(shop))) == 1


class _Both:
    """Reads from one store, writes through another."""

    def __init__(self, reading: Any, writing: Any) -> None:
        self.read, self.write = reading.read, writing.write


def _raise(*_arguments: Any, **_more: Any) -> None:
    raise RuntimeError("a mistake of ours")


async def _holds(condition: object) -> bool:
    return bool(condition)
