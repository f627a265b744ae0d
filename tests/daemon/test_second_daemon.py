"""Two gateways never run on one store."""

from __future__ import annotations

import asyncio
import signal

import pytest

pytestmark = pytest.mark.long


@pytest.mark.postgres
async def test_a_second_gateway_on_one_postgresql_is_refused_and_starts_when_the_first_is_gone(
    launch, new_postgres, tmp_path
):
    url = await new_postgres()
    first = await launch(data=tmp_path / "first", WAGATE_STORE__URL=url)

    second = await launch(data=tmp_path / "second", wait=False, WAGATE_STORE__URL=url)
    code = await asyncio.wait_for(second.process.wait(), 20)

    assert (code, second.log) == (3, "wagate: the store is in use by another wagate; each needs a store of its own\n")
    await first.end(signal.SIGKILL)
    await launch(data=tmp_path / "second", WAGATE_STORE__URL=url)
