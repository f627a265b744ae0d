"""Commands that hold the gateway against its promises."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from gateway.cli.invocation import run_to_end
from gateway.exits import ExitCode


def bench(*names: str, quick: bool = False) -> None:
    """Measure this machine against the promises, with a sandbox of its own.

    Parameters
    ----------
    names
        What to measure: pairing, send, receive, cold, kill, search. Everything by default.
    quick
        Fewer repetitions.
    """
    from gateway.bench.command import run_bench

    if not run_to_end(lambda: run_bench(names=names, quick=quick)):
        sys.exit(ExitCode.CRASHED)


def torture(
    *names: str,
    show: Annotated[bool, Parameter(name="--list")] = False,
    scale: float = 1.0,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
    keep: Path | None = None,
) -> None:
    """Hold the promises about reliability while everything is killed, cut and flooded, in sandboxes of its own.

    The exit code is 1 when a promise is broken. At full size this takes hours.

    Parameters
    ----------
    names
        What to run; everything by default.
    show
        Only list what there is.
    scale
        How much of the full size, such as 0.1 for a tenth.
    as_json
        Print one line of JSON instead of tables.
    keep
        Folder to keep logs and stores in. Without it everything is deleted.
    """
    from gateway.torture.command import list_tortures, run_tortures

    if show:
        sys.stdout.write(list_tortures() + "\n")
    elif not run_to_end(lambda: run_tortures(names=names, scale=scale, as_json=as_json, keep=keep)):
        sys.exit(ExitCode.CRASHED)
