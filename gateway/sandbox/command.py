"""What `wagate sandbox` does on the command line: start, say where everything is, wait, stop, clean up."""

from __future__ import annotations

import asyncio
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from gateway.kit.log import configure_logging
from gateway.sandbox.rig import Rig, Sandbox, new_data_folder


async def run_sandbox(*, data: Path | None, as_json: bool, port: int, control_port: int) -> None:
    """Run until SIGINT or SIGTERM. Without ``data`` everything lives in a folder that is deleted afterwards.

    Raises CannotStartError; the folder with the logs is then kept.
    """
    configure_logging(level="warning")  # on standard error: standard output is the answer's alone
    folder = data.resolve() if data else new_data_folder(Path(tempfile.gettempdir()))
    sandbox = Sandbox(data=folder, port=port, control_port=control_port)
    stopping = _stop_on_signals()
    await sandbox.start()
    try:
        _announce(sandbox.rig, as_json=as_json, kept=data is not None)
        await stopping.wait()
    finally:
        await sandbox.stop()
        if data is None:
            shutil.rmtree(folder, ignore_errors=True)


def _stop_on_signals() -> asyncio.Event:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    return stopping


def _announce(rig: Rig, *, as_json: bool, kept: bool) -> None:
    if as_json:
        sys.stdout.write(msgspec.json.encode(rig).decode() + "\n")
        sys.stdout.flush()
        return
    console = Console()
    console.print("\n[bold]A WhatsApp of your own is up.[/bold] Nothing here leaves this machine.\n")
    table = Table(show_header=False, box=None, padding=(0, 2))
    table.add_row("Gateway", rig.gateway)
    if rig.setup:
        table.add_row("Set up the owner", rig.setup)
    table.add_row("Virtual phones", rig.control)
    table.add_row("API key", rig.api_key)
    for phone in rig.phones:
        table.add_row("", f"+{phone.number}  {phone.name}")
    table.add_row("Data", f"{rig.data} ({'kept' if kept else 'deleted at the end'})")
    console.print(table)
    console.print("\nThe quickstart: docs/quickstart.md. Stop with Ctrl-C.\n")
