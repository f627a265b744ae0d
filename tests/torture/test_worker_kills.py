"""Workers killed under load, a few times. A file of its own, so that it can run beside the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.torture.holding import holds

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]


async def test_what_is_promised_holds_when_workers_are_killed(tmp_path: Path) -> None:
    await holds("worker-kills", tmp_path, scale=0.01)
