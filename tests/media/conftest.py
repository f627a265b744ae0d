"""A library of files on a real folder."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.kit.guard import AddressGuard
from gateway.kit.guarded_http import GuardedHttp
from gateway.kit.ids import IdGenerator
from gateway.media.library import MediaLibrary
from gateway.media.limits import MediaLimits

LIMIT_BYTES = 300_000


@pytest.fixture
async def http() -> AsyncIterator[GuardedHttp]:
    """A client that may reach servers of the test on loopback."""
    client = GuardedHttp(guard=AddressGuard(allow_networks=["127.0.0.0/8"]), user_agent="wagate-test")
    await client.start()
    yield client
    await client.stop()


@pytest.fixture
async def library(
    database: Any, org: Any, clock: Any, ids: IdGenerator, http: GuardedHttp, tmp_path: Path
) -> MediaLibrary:
    made = MediaLibrary(
        database=database,
        ids=ids,
        clock=clock,
        http=http,
        folder=tmp_path / "media",
        spool_folder=tmp_path / "spool",
        limits=MediaLimits(max_bytes=LIMIT_BYTES, max_pixels=1_000_000, fetch_seconds=0.5),
    )
    await made.start()
    return made
