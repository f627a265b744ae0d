"""Commands about linked phones."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from gateway.cli.invocation import ConfigFile, LoopbackFile, read_settings, run_to_end


def session_list(*, config: ConfigFile = None, loopback_file: LoopbackFile = None) -> None:
    """List the sessions and where they stand."""
    from gateway.admin import visiting_admin
    from gateway.kit.ids import render_id

    settings, loopback = read_settings(config, loopback_file)

    async def work() -> list[tuple[str, ...]]:
        async with visiting_admin(settings, loopback) as admin:
            return [
                (render_id("ses", row.id), row.name, row.status, row.phone or "", row.reason or "")
                for row in await admin.list_sessions()
            ]

    table = Table("id", "name", "status", "phone", "reason", box=None, padding=(0, 2, 0, 0))
    for row in run_to_end(work):
        table.add_row(*row)
    Console().print(table)
