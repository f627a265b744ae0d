"""Engines with WhatsApp around them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from sessions.sandbox.loopback import LoopbackWhatsApp
from tests.engine.worlds import FakeWorld, RealWorld, World


@pytest.fixture(scope="session")
async def whatsapp(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LoopbackWhatsApp]:
    """One loopback WhatsApp for all engine tests; each test has phones of its own."""
    started = LoopbackWhatsApp(folder=tmp_path_factory.mktemp("whatsapp"))
    await started.start()
    yield started
    assert started.service.unknown_iqs == []
    await started.stop()


@pytest.fixture
async def real(whatsapp: LoopbackWhatsApp) -> AsyncIterator[RealWorld]:
    """The real engine with one session per worker."""
    world = RealWorld(whatsapp, backoff_first_seconds=0.2, stop_grace_seconds=0.5)
    await world.engine.start()
    yield world
    whatsapp.faults.clear()
    await world.engine.stop()


@pytest.fixture
async def dense(whatsapp: LoopbackWhatsApp) -> AsyncIterator[RealWorld]:
    """The real engine with several sessions per worker."""
    world = RealWorld(whatsapp, backoff_first_seconds=0.2, stop_grace_seconds=0.5, sessions_per_worker=4)
    await world.engine.start()
    yield world
    whatsapp.faults.clear()
    await world.engine.stop()


@pytest.fixture(params=["fake", "real"])
async def world(request: pytest.FixtureRequest, whatsapp: LoopbackWhatsApp) -> AsyncIterator[World]:
    """Each engine in turn."""
    made: World = FakeWorld() if request.param == "fake" else RealWorld(whatsapp, backoff_first_seconds=0.2)
    await made.engine.start()
    yield made
    await made.engine.stop()
