"""A served API for the tests of keys and sign-ins."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.kit.ids import IdGenerator
from tests.serving import ClientFactory, Parts, build_parts


@pytest.fixture
def parts(any_database: Any, any_org: Any, clock: Any, ids: IdGenerator) -> Parts:
    return build_parts(database=any_database, clock=clock, ids=ids)


@pytest.fixture
async def client(parts: Parts, aiohttp_client: ClientFactory) -> Any:
    return await parts.serve(aiohttp_client)
