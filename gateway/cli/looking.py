"""Commands that look at settings, machine and store without running the gateway."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import msgspec
from cyclopts import Parameter
from rich.console import Console
from rich.table import Table

from gateway.cli.invocation import ConfigFile, LoopbackFile, read_settings, run_to_end
from gateway.exits import ExitCode

if TYPE_CHECKING:
    from gateway.examining.finding import Finding


def check(*, config: ConfigFile = None) -> None:
    """Check the settings and show what is in force, with passwords masked."""
    from gateway.config_text import effective

    settings, _ = read_settings(config)
    sys.stdout.write(effective(settings))


def doctor(
    *,
    online: Annotated[bool, Parameter(negative=())] = False,
    as_json: Annotated[bool, Parameter(name="--json", negative=())] = False,
    config: ConfigFile = None,
) -> None:
    """Look at this machine, the data and the work the way the gateway will, and say what to do about what is found.

    Changes nothing. Ends with 3 when something is wrong, with 0 when there are only notes. Run it as the gateway's
    user.

    Parameters
    ----------
    online
        Also try to reach WhatsApp. Without it nothing leaves the machine.
    as_json
        Print a JSON list instead of a table.
    """
    from gateway.examining.doctor import examine
    from gateway.examining.finding import Verdict

    settings, _ = read_settings(config)
    findings = run_to_end(lambda: examine(settings, online=online))
    if as_json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(findings)).decode() + "\n")
    else:
        _show(findings)
    if any(finding.verdict is Verdict.WRONG for finding in findings):
        sys.exit(ExitCode.CANNOT_START)


def _show(findings: Sequence[Finding]) -> None:
    from gateway.examining.finding import Verdict

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
    from gateway.blueprint import openapi_document

    sys.stdout.write(run_to_end(openapi_document) + "\n")
