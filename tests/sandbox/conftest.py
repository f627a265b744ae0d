"""A loopback WhatsApp per test, with few phones, and its control API on a real socket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sessions.sandbox.control.api import Control
from sessions.sandbox.control.client import SandboxClient
from sessions.sandbox.loopback import LoopbackWhatsApp
from sessions.sandbox.phones.phones import Person
from sessions.sandbox.wire.tokens import read_tokens
from sessions.sandbox.wire.wabinary import Codec

ANNA, BEN, CARA = "15550000001", "15550000002", "15550000003"
PEOPLE = (Person(ANNA, "Anna"), Person(BEN, "Ben"), Person(CARA, "Cara"))


@pytest.fixture
def people() -> tuple[Person, ...]:
    """Who has a phone."""
    return PEOPLE


@pytest.fixture(scope="session")
def codec() -> Codec:
    """The dictionary of the wire, which takes a while to find."""
    return Codec(read_tokens())


@pytest.fixture
async def whatsapp(tmp_path: Path, people: tuple[Person, ...], codec: Codec) -> AsyncIterator[LoopbackWhatsApp]:
    """A WhatsApp with Anna, Ben and Cara; nobody may ask it anything it does not know."""
    whatsapp = LoopbackWhatsApp(folder=tmp_path / "whatsapp", people=people, codec=codec)
    await whatsapp.start()
    yield whatsapp
    await whatsapp.stop()
    assert whatsapp.service.unknown_iqs == []
    assert whatsapp.service.failures == 0


@pytest.fixture
async def control(whatsapp: LoopbackWhatsApp) -> AsyncIterator[Control]:
    """Its control API."""
    control = Control(whatsapp=whatsapp)
    await control.start()
    yield control
    await control.stop()


@pytest.fixture
async def client(control: Control) -> AsyncIterator[SandboxClient]:
    """A client of the control API."""
    async with SandboxClient(url=control.url) as client:
        yield client
