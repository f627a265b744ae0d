"""A service over a fresh folder, two accounts, and clients linked to them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from sessions.sandbox.service import Service
from sessions.sandbox.state.directory import Account
from sessions.sandbox.state.store import Store
from sessions.sandbox.wire.tokens import Tokens, read_tokens
from sessions.sandbox.wire.wabinary import Codec
from tests.sandbox.service.companion import Companion
from tests.sandbox.service.stand_ins import Pictures, SettableFaults


@pytest.fixture(scope="session")
def tokens() -> Tokens:
    """The dictionary of the installed engine; reading it takes a quarter of a second."""
    return read_tokens()


@pytest.fixture
def codec(tokens: Tokens) -> Codec:
    return Codec(tokens)


@pytest.fixture
def faults() -> SettableFaults:
    return SettableFaults()


@pytest.fixture
def pictures() -> Pictures:
    return Pictures()


@pytest.fixture
def open_service(codec: Codec, faults: SettableFaults, pictures: Pictures, tmp_path: Path) -> Callable[[], Service]:
    """Opens the service over the test's folder; opening it again is a restart."""

    def start() -> Service:
        return Service(store=Store(tmp_path / "whatsapp.db"), codec=codec, faults=faults, media=pictures)

    return start


@pytest.fixture
async def service(open_service: Callable[[], Service]) -> AsyncIterator[Service]:
    """The service. Nothing may make it stumble."""
    service = open_service()
    yield service
    await service.close()
    service.store.close()
    assert service.failures == 0


@pytest.fixture
def ana(service: Service) -> Account:
    return service.directory.register("12025550111", "Ana")


@pytest.fixture
def ben(service: Service) -> Account:
    return service.directory.register("12025550122", "Ben")


@pytest.fixture
def linked(service: Service) -> Callable[[Account], Awaitable[Companion]]:
    """Links a new client to an account and logs it in."""

    async def link(account: Account) -> Companion:
        companion = Companion(service)
        await companion.link(account)
        await companion.connect()
        return companion

    return link
