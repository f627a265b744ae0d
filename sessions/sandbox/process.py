"""Runs the loopback WhatsApp as a process of its own, until it is told to stop."""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import fcntl
import json
import logging
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sessions.sandbox.control.api import Control
from sessions.sandbox.loopback import LoopbackWhatsApp

_SET_PARENT_DEATH_SIGNAL = 1  # prctl's PR_SET_PDEATHSIG


class FolderInUseError(Exception):
    """Another WhatsApp runs on this folder."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT; one line of JSON on stdout says that everything is up."""
    options = _options(arguments)
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
    if options.parent is not None:
        _die_with(options.parent)
    try:
        asyncio.run(_run(options))
    except (OSError, FolderInUseError) as error:
        print(f"the loopback WhatsApp could not start: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


async def _run(options: argparse.Namespace) -> None:
    with _held(options.data):
        await _serve(options)


async def _serve(options: argparse.Namespace) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    whatsapp = LoopbackWhatsApp(folder=options.data)
    control = Control(whatsapp=whatsapp)
    try:
        await whatsapp.start(options.port)
        await control.start(options.control_port)
        print(json.dumps(_announcement(whatsapp, control)), flush=True)  # noqa: T201
        await stopped.wait()
    finally:
        await control.stop()
        await whatsapp.stop()


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Nobody else may use the folder meanwhile."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise FolderInUseError(f"another one runs on {folder}") from error
        yield


def _announcement(whatsapp: LoopbackWhatsApp, control: Control) -> dict[str, object]:
    return {
        "proxy": whatsapp.proxy_url,
        "ca_file": str(whatsapp.ca_file),
        "root_key": whatsapp.root_key.hex(),
        "control": control.url,
        "phones": [{"number": one.account.number, "name": one.account.name} for one in whatsapp.phones],
        "pid": os.getpid(),
    }


def _die_with(parent: int) -> None:
    """Ask the kernel for a SIGTERM when the parent dies, however it dies."""
    ctypes.CDLL(None, use_errno=True).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)
    if os.getppid() != parent:
        # It died before the kernel was asked.
        os.kill(os.getpid(), signal.SIGTERM)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sessions.sandbox", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder that keeps this WhatsApp's memory")
    parser.add_argument("--port", type=int, default=0, help="port of the proxy; any that is free by default")
    parser.add_argument("--control-port", type=int, default=0, help="port of the control API and the page")
    parser.add_argument("--parent", type=int, help="process id; stop when this process, our parent, has gone")
    return parser.parse_args(arguments)
