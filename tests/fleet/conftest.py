"""A fleet that runs, over an engine in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.kit.ids import IdGenerator
from tests.fleet.rig import FleetRig, build_rig


@pytest.fixture
async def fleet(
    any_database: Any, any_org: Any, clock: Any, ids: IdGenerator, tmp_path: Path
) -> AsyncIterator[FleetRig]:
    rig = build_rig(database=any_database, clock=clock, ids=ids, folder=tmp_path)
    await rig.engine.start()
    await rig.reconciler.start()
    yield rig
    await rig.desk.stop()
    await rig.reconciler.stop()
    await rig.engine.stop()
