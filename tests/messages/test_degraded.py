"""A session that is connected but does not prove that it lives: nothing is handed to it until it does."""

from __future__ import annotations

from gateway.fleet.models import Session
from sessions.events import KeepAlive
from tests.messages.world import World, name_of


async def test_messages_wait_while_the_connection_does_not_answer_and_go_when_it_does(
    world: World, shop: Session
) -> None:
    await world.start()
    world.engine.report(name_of(shop), KeepAlive(failures=1))
    await world.session_when(shop.id, lambda row: not row.live)
    entry = await world.queue()
    await world.dispatcher.run_once()
    waiting = await world.database.read(lambda tx: world.waiting.of(tx, entry.message))

    assert world.engine.sent(name_of(shop)) == []
    assert waiting is not None
    assert waiting.code == "session_degraded"
    world.engine.report(name_of(shop), KeepAlive(failures=0))
    sent = await world.when(entry.message.id, "delivered")
    assert sent.message.attempts == 1
