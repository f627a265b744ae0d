"""`wagate serve`: run the daemon until a signal ends it."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys

import structlog

from gateway import __version__
from gateway.config.settings import Config
from gateway.daemon import Daemon
from gateway.exits import CannotStartError, ExitCode
from gateway.kit.log import configure_logging
from gateway.kit.notify import Notifier
from sessions import crash
from sessions.protocol import Loopback

log = structlog.get_logger(__name__)


async def run_gateway(config: Config, loopback: Loopback | None) -> None:
    """Serve until SIGTERM or SIGINT, then stop in an orderly way."""
    configure_logging(level=config.log.level, style=config.log.format)
    _arm_crash_points(in_sandbox=loopback is not None)
    stopping = _stopping_on_signals()
    daemon = Daemon(config=config, loopback=loopback, notifier=Notifier.from_environment(), on_lost=stopping.set)
    try:
        await daemon.start()
    except CannotStartError:
        raise
    except Exception:
        log.exception("gateway crashed while starting")
        sys.exit(ExitCode.CRASHED)
    _set_start_up_aside()
    log.info("gateway started", version=__version__, sandbox=loopback is not None)
    _announce(config, daemon.setup_url)
    await stopping.wait()
    log.info("gateway stopping")
    await daemon.stop()
    log.info("gateway stopped")


def _arm_crash_points(*, in_sandbox: bool) -> None:
    folder = os.environ.get(crash.VARIABLE)
    if folder and not in_sandbox:
        raise CannotStartError(f"{crash.VARIABLE} is set; it makes processes die and is for the sandbox only")
    crash.arm(folder)


def _set_start_up_aside() -> None:
    """Modules, classes and routes stay for good. Looking through them for garbage stops everything for 50 ms."""
    gc.collect()
    gc.freeze()


def _stopping_on_signals() -> asyncio.Event:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    return stopping


def _announce(config: Config, setup_url: str | None) -> None:
    """Plain lines: a link must survive a narrow terminal and a log file."""
    lines = [
        "",
        f"wagate {__version__} is up.",
        f"  Gateway        {config.public_url}",
        f"  Documentation  {config.public_url}/docs",
        f"  Data           {config.store.data_folder.absolute()}",
    ]
    if setup_url is not None:
        lines += [f"  Set up         {setup_url}", "                 (works once, within a day)"]
    sys.stdout.write("\n".join(lines) + "\n\n")
    sys.stdout.flush()
