"""The installation's own organization."""

from __future__ import annotations

from typing import Any

from gateway.orgs.service import DEFAULT_ORG_ID, Orgs


async def test_the_default_organization_is_made_once(any_database: Any, clock: Any) -> None:
    orgs = Orgs(clock=clock)

    first = await any_database.write(orgs.ensure_default)
    clock.advance(60)
    second = await any_database.write(orgs.ensure_default)

    assert first.id == second.id == DEFAULT_ORG_ID
    assert second.created_at == first.created_at
