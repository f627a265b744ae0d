"""Keys of phones that have left are kept for a while, then deleted."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

from gateway.kit.clock import SystemClock
from gateway.maintenance.moved_keys import OldMovedKeys


async def test_keys_are_kept_for_thirty_days_after_the_phone_has_left(tmp_path):
    (tmp_path / "ses_1").mkdir()
    (tmp_path / "ses_1" / "keys.db").write_bytes(b"keys")
    now = SystemClock().now()

    kept = await OldMovedKeys(folder=tmp_path, clock=SimpleNamespace(now=lambda: now + timedelta(days=29))).run_once()
    gone = await OldMovedKeys(folder=tmp_path, clock=SimpleNamespace(now=lambda: now + timedelta(days=31))).run_once()

    assert (kept, gone, list(tmp_path.iterdir())) == (0, 1, [])


async def test_a_gateway_that_no_phone_has_left_has_nothing_to_delete(tmp_path):
    assert await OldMovedKeys(folder=tmp_path / "moved", clock=SystemClock()).run_once() == 0
