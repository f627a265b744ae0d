"""What every command does alike: reads its settings, runs to its end, and fails in one line."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, NoReturn, TypeVar

from cyclopts import Parameter

from gateway.config.loading import ConfigError, load_config
from gateway.config.settings import Config
from gateway.exits import CannotStartError, ExitCode
from gateway.loopback_file import LoopbackFileError, read_loopback
from sessions.protocol import Loopback

T = TypeVar("T")

ConfigFile = Annotated[
    Path | None,
    Parameter(
        name=["--config", "-c"],
        env_var="WAGATE_CONFIG",
        help="Settings file. Without it config.toml in the current folder is read, if there is one.",
    ),
]
LoopbackFile = Annotated[Path | None, Parameter(name="--loopback-file", show=False)]


def read_settings(config: Path | None, loopback_file: Path | None = None) -> tuple[Config, Loopback | None]:
    """The settings in force, and the loopback WhatsApp to join, if any; ends the command where they are wrong."""
    here = Path("config.toml")
    try:
        settings = load_config(config or (here if here.exists() else None))
        return settings, None if loopback_file is None else read_loopback(loopback_file)
    except (ConfigError, LoopbackFileError) as error:
        fail(str(error), ExitCode.USAGE)


def run_to_end(work: Callable[[], Awaitable[T]]) -> T:
    """Run a command to its end; what a person can do something about is one line, not a traceback."""
    from gateway.kit.errors import GatewayError

    async def run() -> T:
        return await work()

    try:
        return asyncio.run(run())
    except CannotStartError as error:
        fail(str(error), ExitCode.CANNOT_START)
    except GatewayError as error:
        details = "".join(f" {field.path}: {field.problem}." for field in error.fields)
        fail(f"{error.detail}{details}", ExitCode.USAGE)
    except KeyboardInterrupt:
        sys.exit(ExitCode.OK)


def fail(text: str, code: ExitCode) -> NoReturn:
    """End the command with what there is to say on standard error."""
    for line in text.splitlines():
        sys.stderr.write(f"wagate: {line}\n")
    sys.exit(code)
