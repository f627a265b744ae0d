"""Typing before a message: as long as a person would, for those who want it, and never in anybody else's way."""

from __future__ import annotations

import random
import time
from typing import cast

import pytest

from gateway.messages.outbox.typist import Typist
from gateway.pacing.settings import Pace
from gateway.pacing.typing import typing_seconds
from sessions.commands.messages import SendMessage
from sessions.commands.presence import SetTyping
from sessions.engine import Engine
from sessions.errors import NotConnectedError
from tests.messages.world import ANNA, BEN, World, name_of, poll
from tests.pacing.conftest import MakeWorld

QUICK = Pace(typing=True, typing_characters_per_second=1000, typing_most_seconds=0.05)
PATIENT = Pace(typing_most_seconds=30, typing_characters_per_second=0.01)


def test_longer_texts_take_longer_up_to_a_limit_and_never_the_same() -> None:
    pace, chance = Pace(typing=True, typing_characters_per_second=10, typing_most_seconds=5), random.Random(1)
    short, long = (
        [typing_seconds(pace, wanted=None, length=length, chance=chance) for _ in range(50)] for length in (20, 900)
    )

    assert all(1.5 <= seconds <= 2.5 for seconds in short)
    assert len(set(short)) == 50
    assert set(long) == {5}


@pytest.mark.parametrize(
    ("session", "message", "is_shown"),
    [(False, None, False), (True, None, True), (False, True, True), (True, False, False)],
)
def test_the_message_decides_before_the_session(session: bool, message: bool | None, is_shown: bool) -> None:
    seconds = typing_seconds(Pace(typing=session), wanted=message, length=10, chance=random.Random(1))

    assert (seconds > 0) is is_shown


class Unwilling:
    """An engine that shows no typing."""

    async def call(self, session_id: str, command: object, *, timeout_seconds: float) -> object:
        raise NotConnectedError


async def asked(world: World, index: int = 0) -> list[str]:
    """What the engine of a session was asked, by name, typing with its state."""
    session = (await world.sessions_all())[index]
    commands = world.engine.asked(name_of(session))
    return [
        command.state if isinstance(command, SetTyping) else "send"
        for command in commands
        if isinstance(command, (SetTyping, SendMessage))
    ]


async def test_it_is_typed_and_then_sent(world_at: MakeWorld) -> None:
    world = await world_at(QUICK)
    await world.start()

    await world.when((await world.queue()).message.id, "delivered")
    await world.when((await world.queue(typing=False)).message.id, "delivered")

    assert await asked(world) == ["composing", "paused", "send", "send"]


async def test_nobody_types_unless_asked(world_at: MakeWorld) -> None:
    world = await world_at(Pace())
    await world.start()

    await world.when((await world.queue()).message.id, "delivered")

    assert await asked(world) == ["send"]


async def test_a_message_goes_also_when_typing_cannot_be_shown(world_at: MakeWorld) -> None:
    world = await world_at(QUICK)
    world.tools.typist = Typist(engine=cast(Engine, Unwilling()))
    await world.start()

    await world.when((await world.queue()).message.id, "delivered")


async def test_who_types_on_one_session_delays_no_other(world_at: MakeWorld) -> None:
    world = await world_at(PATIENT)
    second = await world.link("second", "+4915110000009")
    await world.start()
    slow = await world.queue(to=ANNA, typing=True)
    await poll(lambda: _is_typing(world))

    await world.when((await world.queue(session="second", to=BEN)).message.id, "delivered")

    assert (await world.find(slow.message.id)).message.state == "sending"
    assert second.is_paired


async def test_stopping_ends_the_typing_and_sends_what_was_begun(world_at: MakeWorld) -> None:
    world = await world_at(PATIENT)
    await world.start()
    slow = await world.queue(typing=True)
    await poll(lambda: _is_typing(world))
    begun = time.monotonic()

    await world.dispatcher.stop()

    assert time.monotonic() - begun < 5
    assert (await world.find(slow.message.id)).message.state in ("sent", "delivered")
    assert await asked(world) == ["composing", "paused", "send"]


async def _is_typing(world: World) -> bool:
    return await asked(world) == ["composing"]
