"""The real engine and a loopback WhatsApp that goes away: pairings hold, and nothing that was queued is lost."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from sessions.sandbox.loopback import LoopbackWhatsApp
from sessions.sandbox.phones.phones import Person
from sessions.sandbox.phones.writing import OutgoingMessage, TextInput
from sessions.status import SessionStatus
from tests.engine.worlds import RealWorld, connected, link, spec_for

pytestmark = pytest.mark.long

ANNA, BEN = "15550000001", "15550000002"
Open = Callable[[int], Awaitable[LoopbackWhatsApp]]


@pytest.fixture
async def open_whatsapp(tmp_path: Path) -> AsyncIterator[Open]:
    """Starts the loopback WhatsApp over one folder, again and again; the last one is stopped at the end."""
    running: list[LoopbackWhatsApp] = []

    async def start(port: int) -> LoopbackWhatsApp:
        if running:
            await running.pop().stop()
        whatsapp = LoopbackWhatsApp(folder=tmp_path / "whatsapp", people=[Person(ANNA, "Anna"), Person(BEN, "Ben")])
        await whatsapp.start(port)
        running.append(whatsapp)
        return whatsapp

    yield start
    await running.pop().stop()


async def write(whatsapp: LoopbackWhatsApp, body: str) -> None:
    """Ben writes to Anna."""
    await whatsapp.phones.get(BEN).send(OutgoingMessage(to=ANNA, text=TextInput(body=body)))


async def test_a_session_comes_back_when_whatsapp_does(open_whatsapp: Open, tmp_path: Path) -> None:
    whatsapp = await open_whatsapp(0)
    world = RealWorld(whatsapp, backoff_first_seconds=0.2)
    spec = spec_for(tmp_path)
    await link(world, spec, ANNA)
    await write(whatsapp, "before")
    await world.listener.until(lambda: world.listener.texts(spec.session_id) == ["before"])

    again = await open_whatsapp(whatsapp.server.port)
    await write(again, "after")

    await world.listener.until(lambda: world.listener.texts(spec.session_id) == ["before", "after"])
    assert again.service.unknown_iqs == []
    await world.engine.stop()


async def test_what_was_written_while_the_engine_was_away_survives_a_restart(
    open_whatsapp: Open, tmp_path: Path
) -> None:
    whatsapp = await open_whatsapp(0)
    world = RealWorld(whatsapp)
    spec = spec_for(tmp_path)
    await link(world, spec, ANNA)
    await world.engine.halt(spec.session_id)
    for number in range(5):
        await write(whatsapp, f"message {number}")

    await open_whatsapp(whatsapp.server.port)
    await world.engine.run(spec)
    await connected(world, spec.session_id)

    expected = [f"message {number}" for number in range(5)]
    await world.listener.until(lambda: world.listener.texts(spec.session_id) == expected)
    assert SessionStatus.LOGGED_OUT not in world.listener.statuses(spec.session_id)
    await world.engine.stop()
