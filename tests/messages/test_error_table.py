"""What every answer of the engine means: from its words to the code and to what becomes of the message."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from gateway.fleet.models import Session
from gateway.messages.outbox.outcomes import MOST_ATTEMPTS, Fate, judge
from sessions.errors import BusyError, EngineError, NewChatsRefusedError, StoreError
from sessions.worker.refusals import error_for
from tests.messages.world import ANNA, BEN, World, name_of, poll

#: The words, the code that is stored, what becomes of the message, and whether the whole session rests.
TABLE = [
    # not on the wire, for a while
    ("websocket not connected", "session_not_connected", Fate.WAIT, True),
    ("failed to send usync query: websocket not connected", "session_not_connected", Fate.WAIT, True),
    (
        "failed to get device list: failed to send usync query: websocket disconnected before info query returned response",
        "session_not_connected",
        Fate.WAIT,
        True,
    ),
    ("failed to get group members: info query timed out", "session_not_connected", Fate.WAIT, True),
    ("failed to get LID for PN 15550001111@s.whatsapp.net: context deadline exceeded", "session_not_connected", Fate.WAIT, True),
    ("failed to get user info for 15550001111@s.whatsapp.net to fill LID cache: info query timed out", "session_not_connected", Fate.WAIT, True),
    # not on the wire, because of the session
    ("the store doesn't contain a device JID", "session_not_paired", Fate.WAIT, True),
    ("client is nil", "session_not_paired", Fate.WAIT, True),
    ("database is locked", "store_unusable", Fate.WAIT, True),
    # not on the wire, for good
    ("no LID found for 15550001111@s.whatsapp.net from server", "recipient_unknown", Fate.FAIL, False),
    ("failed to get LID for PN 1@s.whatsapp.net: no LID found for 1@s.whatsapp.net from server", "recipient_unknown", Fate.FAIL, False),
    ("message recipient must be a user JID with no device part", "invalid_request", Fate.FAIL, False),
    ("can't send message to unknown server nowhere", "invalid_request", Fate.FAIL, False),
    ("sending to non-status broadcast lists is not yet supported", "invalid_request", Fate.FAIL, False),
    ("that group does not exist", "recipient_unknown", Fate.FAIL, False),
    ("you're not participating in that group", "invalid_request", Fate.FAIL, False),
    # nobody can know
    ("timed out waiting for message send response", "outcome_unknown", Fate.LOOK, False),
    ("websocket disconnected before message send returned response", "outcome_unknown", Fate.LOOK, False),
    ("websocket disconnected before message send (retry) returned response", "outcome_unknown", Fate.LOOK, False),
    ("failed to send message node: websocket not connected", "outcome_unknown", Fate.LOOK, False),
    ("words that nobody has seen before", "engine_error", Fate.LOOK, False),
    # refused
    ("server returned error 463", "new_chats_refused", Fate.FAIL, False),
    ("server returned error 400", "refused", Fate.FAIL, False),
    ("server returned error 403", "refused", Fate.FAIL, False),
    ("server returned error 479", "refused", Fate.FAIL, False),
    # busy
    ("server returned error 429", "whatsapp_busy", Fate.AGAIN, True),
    ("info query returned status 429: rate-overlimit", "whatsapp_busy", Fate.AGAIN, True),
    ("rate-overlimit", "whatsapp_busy", Fate.AGAIN, True),
    ("failed to send usync query: info query returned status 503: service-unavailable", "whatsapp_busy", Fate.AGAIN, True),
    ("server returned error 500", "whatsapp_busy", Fate.AGAIN, True),
    ("server returned error 503", "whatsapp_busy", Fate.AGAIN, True),
    ("upload failed with status code 503", "whatsapp_busy", Fate.AGAIN, True),
]  # fmt: skip


@pytest.mark.parametrize(("words", "code", "fate", "rests"), TABLE, ids=[row[0][:50] for row in TABLE])
def test_every_row_of_the_table(words: str, code: str, fate: Fate, rests: bool) -> None:
    error = error_for(words)

    judgement = judge(error, attempts=1, chance=random.Random(1))

    assert (error.code, judgement.fate, judgement.rests_lane) == (code, fate, rests)


def test_a_busy_whatsapp_is_asked_again_after_1_2_4_and_at_most_60_minutes_give_or_take_a_fifth() -> None:
    minutes = [1, 2, 4, 8, 16, 32, 60]
    for attempt, expected in enumerate(minutes, start=1):
        waits = [judge(BusyError(), attempts=attempt, chance=random.Random(n)).delay_seconds for n in range(50)]
        assert expected * 48 <= min(waits) < expected * 54
        assert expected * 66 < max(waits) <= expected * 72


def test_waits_for_a_connection_never_use_up_a_message_and_grow_to_a_minute() -> None:
    for strikes in (1, 3, 10, 1000):
        judgement = judge(error_for("websocket not connected"), attempts=1, strikes=strikes, chance=random.Random(1))
        assert judgement.fate is Fate.WAIT
        assert judgement.delay_seconds <= 72


def test_a_message_that_alone_finds_no_connection_is_given_up_after_a_bound() -> None:
    error = error_for("failed to get user info for 1@s.whatsapp.net to fill LID cache: info query timed out")

    fates = [judge(error, attempts=n, chance=random.Random(1), is_stuck=True).fate for n in (1, MOST_ATTEMPTS)]

    assert fates == [Fate.AGAIN, Fate.FAIL]


async def test_a_refusal_of_new_chats_fails_one_message_and_marks_the_session(
    any_world: World, any_shop: Session
) -> None:
    world = any_world
    world.engine.fail_next(name_of(any_shop), NewChatsRefusedError())
    await world.start()

    refused = await world.queue(to=ANNA)

    failed = await world.when(refused.message.id, "failed")
    assert failed.message.error_code == "new_chats_refused"
    marked = await world.session_when(any_shop.id, lambda row: row.timelocked_until is not None)
    assert marked.timelocked_at == world.clock.now()
    assert [event.data["restriction"]["kind"] for event in await world.told("session.restricted")] == ["timelock"]


async def test_words_that_nobody_knows_fail_a_message_only_when_the_key_store_has_never_seen_it(
    world: World, shop: Session
) -> None:
    world.engine.fail_next(name_of(shop), EngineError("odd"), reached_wire=False)
    world.engine.fail_next(name_of(shop), EngineError("odd"), reached_wire=True)
    await world.start()

    unseen = await world.queue(to=ANNA)
    seen = await world.queue(to=BEN)

    assert (await world.when(unseen.message.id, "failed")).message.error_code == "engine_error"
    assert (await world.when(seen.message.id, "uncertain")).message.wa_id is not None


async def test_a_key_store_in_trouble_loses_no_message(world: World, shop: Session) -> None:
    for _ in range(20):
        world.engine.fail_next(name_of(shop), StoreError())
    world.tools.settled.watch()
    await world.start()
    entry = await world.queue()

    for _ in range(20):
        await world.tools.settled.wait()
        world.tools.settled.watch()
        world.advance(75)
        world.dispatcher.wake()

    sent = await world.when(entry.message.id, "delivered")
    assert sent.message.attempts == 1


async def test_a_new_connection_does_not_shorten_the_wait_that_whatsapp_asked_for(world: World, shop: Session) -> None:
    world.engine.fail_next(name_of(shop), BusyError())
    world.tools.settled.watch()
    await world.start()
    await world.queue(to=ANNA)
    other = await world.queue(to=BEN)
    await world.tools.settled.wait()

    world.engine.drop(name_of(shop))
    world.engine.reconnect(name_of(shop))
    await world.session_when(shop.id, lambda row: row.status == "connected")
    await world.dispatcher.run_once()

    rest = world.tools.rests.of(shop.id)
    assert rest is not None
    assert rest.until - world.clock.now() >= timedelta(seconds=48)
    assert (await world.find(other.message.id)).message.state == "queued"
    world.advance(80)
    world.dispatcher.wake()
    await poll(lambda: _all_delivered(world))


async def _all_delivered(world: World) -> bool:
    return {entry.message.state for entry in await world.all()} == {"delivered"}
