"""What `wagate torture` does on the command line: run what is named, print what came of it, clean up."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from gateway.kit.errors import FieldError, InvalidError
from gateway.kit.log import configure_logging
from gateway.torture.catalogue import TORTURES
from gateway.torture.contract import Claim, Ordeal, Torture
from gateway.torture.table import render, render_json


def list_tortures() -> str:
    """One line for each."""
    return "\n".join(f"{torture.name:<20} {torture.sentence}" for torture in TORTURES.values())


async def run_tortures(*, names: Sequence[str], scale: float, as_json: bool, keep: Path | None) -> bool:
    """Run what is named (all of it by default); True when every promise is kept.

    With ``keep`` the folders with logs and stores stay, one per torture. Raises InvalidError for an unknown name.
    """
    configure_logging(level="error")
    chosen = [_find(name) for name in names] or list(TORTURES.values())
    if not scale > 0:
        raise InvalidError("The scale must be above zero.")
    answers: dict[str, Sequence[Claim]] = {}
    for torture in chosen:
        answers[torture.name] = await _run(torture, scale=scale, quiet=as_json, keep=keep)
        if not as_json:
            sys.stdout.write(f"\n{torture.name}: {torture.sentence}\n{render(answers[torture.name])}\n")
            sys.stdout.flush()
    if as_json:
        sys.stdout.write(render_json(answers) + "\n")
    return all(claim.kept is not False for claims in answers.values() for claim in claims)


def _find(name: str) -> Torture:
    if name not in TORTURES:
        problem = f"There is no torture of this name; known are {', '.join(TORTURES)}."
        raise InvalidError("This cannot be run.", fields=(FieldError(path=name, problem=problem),))
    return TORTURES[name]


async def _run(torture: Torture, *, scale: float, quiet: bool, keep: Path | None) -> Sequence[Claim]:
    folder = keep / torture.name if keep else Path(tempfile.mkdtemp(prefix=f"wagate-{torture.name}-"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        return await torture.run(Ordeal(folder=folder, scale=scale, quiet=quiet))
    finally:
        if keep is None:
            shutil.rmtree(folder, ignore_errors=True)
