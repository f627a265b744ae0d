"""The account's own name is known on the first connection, though the engine learns it only afterwards."""

from __future__ import annotations

from pathlib import Path

from sessions.events import Identified
from sessions.keystore import find_push_name
from tests.engine.worlds import RealWorld, link, spec_for


async def test_the_name_is_reported_soon_after_the_first_login(real: RealWorld, tmp_path: Path) -> None:
    spec, number = spec_for(tmp_path), await real.phone("Ana's shop")
    await link(real, spec, number)

    def named() -> list[Identified]:
        return [event for event in real.listener.events(Identified, "ses_1") if event.push_name]

    found = await real.listener.until(named)

    assert found[0].push_name == "Ana's shop"
    assert found[0].me.phone == number
    assert found[0].device > 0


def test_a_store_that_was_never_used_knows_no_name(tmp_path: Path) -> None:
    assert find_push_name(tmp_path) is None
