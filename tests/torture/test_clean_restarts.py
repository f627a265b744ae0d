"""The gateway stopped and started while phones write, a few times. A file of its own, so that it can run beside the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.torture.holding import holds

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]


async def test_what_is_promised_holds_over_restarts(tmp_path: Path) -> None:
    await holds("clean-restarts", tmp_path, scale=0.02)
