"""Messages of which nobody knows whether they were sent: proof ends the doubt, else the policy, else a person."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from gateway.db.tx import Tx
from gateway.fleet.models import Session
from gateway.kit.errors import ConflictError
from gateway.messages.outbox.lane import CLAIM_SECONDS
from gateway.messages.store import Entry
from sessions.errors import OutcomeUnknownError, StoreError
from sessions.events import ReceiptKind, ReceiptReceived
from tests.messages.world import ANNA, PRINCIPAL, World, name_of, poll

TEN_MINUTES = 600.0


async def doubtful(world: World, shop: Session, *, reached_wire: bool = True, **fields: Any) -> Entry:
    """A message that is uncertain."""
    world.engine.fail_next(name_of(shop), OutcomeUnknownError(), reached_wire=reached_wire)
    if not world.dispatcher.is_open:
        await world.start()
    entry = await world.queue(**fields)
    return await world.when(entry.message.id, "uncertain")


async def pass_patience(world: World) -> None:
    """Let the time for receipts run out, and the watch look."""
    world.advance(TEN_MINUTES + 1)
    await world.watch.run_once()


async def test_doubt_is_told_at_once_and_again_when_a_person_has_to_decide(any_world: World, any_shop: Session) -> None:
    world = any_world
    entry = await doubtful(world, any_shop)

    await pass_patience(world)
    await pass_patience(world)

    held = (await world.find(entry.message.id)).message
    assert (held.state, held.reason) == ("uncertain", "needs_a_person")
    told = await world.told("message.uncertain")
    assert [event.data["reason"] for event in told] == ["awaits_receipt", "needs_a_person"]
    assert world.engine.sent(name_of(any_shop)) == []


async def test_a_receipt_ends_the_doubt_even_after_a_person_was_asked(world: World, shop: Session) -> None:
    entry = await doubtful(world, shop)
    await pass_patience(world)

    world.engine.report(name_of(shop), receipt(world, entry))

    settled = await world.when(entry.message.id, "delivered")
    assert settled.message.reason is None
    assert settled.message.uncertain_at is not None


async def test_the_patience_counts_only_while_receipts_can_come(world: World, shop: Session) -> None:
    entry = await doubtful(world, shop)
    world.engine.drop(name_of(shop))
    await world.session_when(shop.id, lambda row: row.status == "reconnecting")
    await pass_patience(world)
    assert (await world.find(entry.message.id)).message.reason == "awaits_receipt"

    world.engine.reconnect(name_of(shop))
    await world.session_when(shop.id, lambda row: row.status == "connected")
    await poll(lambda: _holds(world.doubts.is_caught_up(shop.id)))
    world.advance(TEN_MINUTES / 2)
    await world.watch.run_once()
    assert (await world.find(entry.message.id)).message.reason == "awaits_receipt"

    world.advance(TEN_MINUTES / 2 + 1)
    await world.watch.run_once()
    assert (await world.find(entry.message.id)).message.reason == "needs_a_person"


async def test_whoever_prefers_a_double_gets_it_sent_again_and_marked(any_world: World, any_shop: Session) -> None:
    world = any_world
    entry = await doubtful(world, any_shop, on_uncertain="resend")

    await pass_patience(world)

    again = await world.when(entry.message.id, "delivered")
    assert again.message.may_be_double
    assert again.message.attempts == 2
    assert again.message.secret != entry.message.secret
    assert len(world.engine.sent(name_of(any_shop))) == 1


@pytest.mark.parametrize(
    ("of_message", "of_session", "state"),
    [
        (None, None, "uncertain"),
        (None, "resend", "delivered"),
        ("hold", "resend", "uncertain"),
        ("resend", "hold", "delivered"),
    ],
)
async def test_the_message_decides_before_the_session_and_the_session_before_the_gateway(
    world: World, shop: Session, of_message: str | None, of_session: str | None, state: str
) -> None:
    await world.database.write(lambda tx: _set_policy(tx, shop.id, of_session))
    entry = await doubtful(world, shop, on_uncertain=of_message)

    await pass_patience(world)

    await world.when(entry.message.id, state)


async def test_a_message_that_lost_its_point_is_never_sent_again_by_itself(world: World, shop: Session) -> None:
    until = world.clock.now() + timedelta(minutes=1)
    entry = await doubtful(world, shop, on_uncertain="resend", expires_at=until)

    await pass_patience(world)

    assert (await world.find(entry.message.id)).message.reason == "needs_a_person"


async def test_a_later_look_into_the_key_store_may_prove_that_it_never_left(world: World, shop: Session) -> None:
    entry = await doubtful(world, shop, reached_wire=False)

    await pass_patience(world)

    sent = await world.when(entry.message.id, "delivered")
    assert not sent.message.may_be_double
    assert sent.message.attempts == 1


async def test_a_later_look_may_find_the_id_that_receipts_are_matched_by(
    world: World, shop: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    working = world.engine.find_by_secret
    monkeypatch.setattr(world.engine, "find_by_secret", _broken)
    entry = await doubtful(world, shop)
    assert entry.message.wa_id is None
    await world.watch.run_once()
    monkeypatch.setattr(world.engine, "find_by_secret", working)

    await pass_patience(world)

    found = (await world.find(entry.message.id)).message
    assert found.wa_id is not None
    assert found.reason == "awaits_receipt"
    world.engine.report(name_of(shop), receipt(world, await world.find(entry.message.id)))
    await world.when(entry.message.id, "delivered")


@pytest.mark.parametrize(
    ("outcome", "state", "double"),
    [("sent", "sent", False), ("failed", "failed", False), ("resend", "delivered", True)],
)
async def test_a_person_can_end_the_doubt(
    any_world: World, any_shop: Session, outcome: Any, state: str, double: bool
) -> None:
    world = any_world
    entry = await doubtful(world, any_shop)

    await world.database.write(lambda tx: world.messages.resolve(tx, PRINCIPAL, entry.message.id, outcome))

    resolved = await world.when(entry.message.id, state)
    assert resolved.message.may_be_double is double


async def test_a_receipt_overrules_who_said_that_it_had_failed(world: World, shop: Session) -> None:
    entry = await doubtful(world, shop)
    await world.database.write(lambda tx: world.messages.resolve(tx, PRINCIPAL, entry.message.id, "failed"))

    world.engine.report(name_of(shop), receipt(world, entry))

    settled = await world.when(entry.message.id, "delivered")
    assert settled.message.error_code is None


async def test_only_doubt_can_be_resolved(world: World, shop: Session) -> None:
    await world.start()
    entry = await world.queue()
    await world.when(entry.message.id, "delivered")

    with pytest.raises(ConflictError) as refused:
        await world.database.write(lambda tx: world.messages.resolve(tx, PRINCIPAL, entry.message.id, "failed"))

    assert refused.value.code == "message_not_uncertain"


async def test_a_lane_that_hangs_is_ended_and_its_message_settled_by_proof(world: World, shop: Session) -> None:
    working = world.engine.call
    asked: list[Any] = []

    async def hang_once(session_id: str, command: Any, **more: Any) -> Any:
        if not asked:
            asked.append(command)
            await asyncio.Event().wait()
        return await working(session_id, command, **more)

    world.engine.call = hang_once
    await world.start()
    hanging = await world.queue(to=ANNA)
    behind = await world.queue(to=ANNA, body="next")
    await poll(lambda: _holds(asked))

    world.advance(CLAIM_SECONDS + 1)
    await world.watch.run_once()

    await world.when(behind.message.id, "delivered")
    assert (await world.find(hanging.message.id)).message.state == "uncertain"
    await pass_patience(world)
    await world.when(hanging.message.id, "delivered")
    assert len(world.engine.sent(name_of(shop))) == 2


def receipt(world: World, entry: Entry) -> ReceiptReceived:
    """Anna has it."""
    anna = world.engine.phone(ANNA).address
    assert entry.message.wa_id is not None
    return ReceiptReceived(
        chat=anna,
        by=anna,
        wa_ids=(entry.message.wa_id,),
        receipt=ReceiptKind.DELIVERED,
        timestamp=world.clock.now().timestamp(),
    )


async def _broken(*_arguments: Any) -> str | None:
    raise StoreError


def _set_policy(tx: Tx, session_id: int, policy: str | None) -> None:
    row = tx.session.get(Session, session_id)
    assert row is not None
    row.settings = {} if policy is None else {"on_uncertain": policy}


async def _holds(condition: object) -> bool:
    return bool(condition)
