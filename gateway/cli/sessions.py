"""Commands about linked phones."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console
from rich.table import Table

from gateway.cli.invocation import ConfigFile, LoopbackFile, read_settings, run_to_end
from gateway.cli.secrets import KeyFile, read_secret


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


def session_export(
    session: str,
    *,
    to: Path,
    key_file: KeyFile = None,
    config: ConfigFile = None,
    loopback_file: LoopbackFile = None,
) -> None:
    """Take a linked phone out of this gateway, into one encrypted file, to import it at another without pairing again.

    The session is stopped and its phone counts as linked elsewhere from then on. Run it as the gateway's user.

    Parameters
    ----------
    session
        Id or name.
    to
        The file to write.
    """
    from gateway.relocation import move_out

    settings, loopback = read_settings(config, loopback_file)
    secret = read_secret(key_file, is_new=True)
    gone = run_to_end(lambda: move_out(settings, loopback, session=session, target=to, secret=secret))
    sys.stdout.write(f"{gone.name} has left, with {gone.path}. Import it in one place only.\n")


def session_import(
    file: Path,
    *,
    name: str | None = None,
    force: Annotated[bool, Parameter(negative=())] = False,
    key_file: KeyFile = None,
    config: ConfigFile = None,
    loopback_file: LoopbackFile = None,
) -> None:
    """Link a phone that another gateway has exported, and start it. Run it as the gateway's user.

    Parameters
    ----------
    file
        The archive.
    name
        What the session is called here; as it was by default.
    force
        Even if the keys were used since the archive was made.
    """
    from gateway.relocation import move_in

    settings, loopback = read_settings(config, loopback_file)
    secret = read_secret(key_file, is_new=False)
    session = run_to_end(lambda: move_in(settings, loopback, source=file, secret=secret, name=name, force=force))
    sys.stdout.write(f"{session.name} is linked here now.\n")
