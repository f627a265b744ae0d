"""Runs a torture at a part of its full size, which is for `wagate torture`."""

from __future__ import annotations

from pathlib import Path

from gateway.torture.catalogue import TORTURES
from gateway.torture.contract import Ordeal
from gateway.torture.table import render


async def holds(name: str, folder: Path, *, scale: float) -> None:
    """Fail where a promise is broken, or nothing was promised."""
    claims = await TORTURES[name].run(Ordeal(folder=folder, scale=scale, quiet=True))

    broken = [claim for claim in claims if claim.kept is False]
    assert not broken, render(claims)
    assert any(claim.kept for claim in claims), "something was promised"
