"""Commands that run the gateway."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from gateway.cli.invocation import ConfigFile, LoopbackFile, read_settings, run_to_end


def serve(*, config: ConfigFile = None, loopback_file: LoopbackFile = None) -> None:
    """Run the gateway until it is stopped."""
    from gateway.serve import run_gateway

    settings, loopback = read_settings(config, loopback_file)
    run_to_end(lambda: run_gateway(settings, loopback))


def sandbox(
    *,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
    data: Path | None = None,
    port: int = 0,
    control_port: int = 0,
) -> None:
    """Start a WhatsApp of your own on this machine and a gateway joined to it.

    Parameters
    ----------
    as_json
        Print one line of JSON instead of a table.
    data
        Folder to keep everything in. Without it everything is deleted at the end.
    port
        Port of the gateway; any free one by default.
    control_port
        Port of the virtual phones; any free one by default.
    """
    from gateway.sandbox.command import run_sandbox

    run_to_end(lambda: run_sandbox(data=data, as_json=as_json, port=port, control_port=control_port))
