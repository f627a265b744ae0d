"""Commands that look at settings, machine and store without running the gateway."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.table import Table

from gateway.cli.invocation import ConfigFile, LoopbackFile, read_settings, run_to_end
from gateway.startup import ExitCode


def check(*, config: ConfigFile = None) -> None:
    """Check the settings and show what is in force, with passwords masked."""
    from gateway.config_text import effective

    settings, _ = read_settings(config)
    sys.stdout.write(effective(settings))


def doctor(*, config: ConfigFile = None) -> None:
    """Look at this machine the way the gateway will use it."""
    from gateway.doctor import Verdict
    from gateway.examination import examine

    settings, _ = read_settings(config)
    findings = run_to_end(lambda: examine(settings))
    marks = {
        Verdict.FINE: "[green]ok[/green]",
        Verdict.ADVICE: "[yellow]note[/yellow]",
        Verdict.WRONG: "[red]WRONG[/red]",
    }
    table = Table(show_header=False, box=None, padding=(0, 2))
    for finding in findings:
        remedy = f" → {finding.remedy}" if finding.remedy else ""
        table.add_row(marks[finding.verdict], finding.name, f"{finding.sentence}{remedy}")
    Console().print(table)
    if any(finding.verdict is Verdict.WRONG for finding in findings):
        sys.exit(ExitCode.CANNOT_START)


def migrate(*, config: ConfigFile = None, loopback_file: LoopbackFile = None) -> None:
    """Bring the store to this version's schema. `serve` does it, too."""
    from gateway.startup import visited_store

    settings, loopback = read_settings(config, loopback_file)

    async def work() -> None:
        async with visited_store(settings, loopback):
            pass

    run_to_end(work)
    sys.stdout.write("The store is up to date.\n")


def openapi() -> None:
    """Print the OpenAPI document of the HTTP API."""
    from gateway.examination import openapi_document

    sys.stdout.write(run_to_end(openapi_document) + "\n")
