"""Commands that hold the gateway against its promises."""

from __future__ import annotations

import sys

from gateway.cli.invocation import run_to_end
from gateway.startup import ExitCode


def bench(*names: str, quick: bool = False) -> None:
    """Measure this machine against the promises, with a sandbox of its own.

    Parameters
    ----------
    names
        What to measure: pairing, send, receive, cold, kill. Everything by default.
    quick
        Fewer repetitions.
    """
    from gateway.bench.command import run_bench

    if not run_to_end(lambda: run_bench(names=names, quick=quick)):
        sys.exit(ExitCode.CRASHED)
