"""Checks of the machine: its port, its clock, its limits, and what helps the gateway there."""

from __future__ import annotations

import importlib.util
import os
import resource
import shutil
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import gateway
from gateway.examining.finding import Finding, Subject, advice, fine, wrong

#: The daemon's own: connections, store, log; and what each worker and its journal need on top.
_DESCRIPTORS: Final = 256
_DESCRIPTORS_PER_SESSION: Final = 6
_DAEMON_BYTES: Final = 160 * 1024 * 1024
_WORKER_BYTES: Final = 40 * 1024 * 1024
_SESSION_BYTES: Final = 3 * 1024 * 1024
_UNIT: Final = "wagate.service"


async def account(subject: Subject) -> Finding:
    """The gateway needs no rights of root's."""
    if os.geteuid() == 0:
        sentence = "This runs as root. The gateway needs no such rights, and what root writes it cannot use."
        return advice("account", sentence, "Run it as an account of its own: docs/howto/run-as-a-service.md")
    return fine("account", "This does not run as root.")


async def port(subject: Subject) -> Finding:
    """Nobody else has the port."""
    host, number = subject.config.http.host, subject.config.http.port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.create_server((host, number), family=family):
            return fine("port", f"Port {number} on {host} is free.")
    except OSError as error:
        sentence = f"Port {number} on {host}: {error.strerror}."
        return advice("port", sentence, "Fine if wagate runs; else set http.port.")


async def ffmpeg(subject: Subject) -> Finding:
    """Voice notes can be made from any sound, and films be looked at."""
    if shutil.which("ffmpeg", path=subject.environment.get("PATH")) is not None:
        return fine("ffmpeg", "ffmpeg is installed; any sound can become a voice note.")
    if importlib.util.find_spec("av") is not None:
        return fine("ffmpeg", "PyAV is installed; any sound can become a voice note.")
    sentence = (
        "Neither ffmpeg nor PyAV is installed; voice notes must be uploaded as Ogg Opus, films show no first picture."
    )
    return advice("ffmpeg", sentence, "apt install ffmpeg, or pip install 'wagate[media]'")


async def clock(subject: Subject) -> Finding:
    """WhatsApp refuses a host whose clock is far off."""
    installed = datetime.fromtimestamp(Path(gateway.__file__).stat().st_mtime, UTC)
    if subject.clock.now() < installed:
        return wrong("clock", "The clock stands before the day this version was installed.", "Set it: timedatectl")
    return fine("clock", f"It is {subject.clock.now():%Y-%m-%d %H:%M} UTC.")


async def descriptors(subject: Subject) -> Finding:
    """There are enough file descriptors for the phones that are linked."""
    allowed, _most = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = _DESCRIPTORS + _DESCRIPTORS_PER_SESSION * subject.linked
    if allowed != resource.RLIM_INFINITY and allowed < needed:
        sentence = f"{allowed} files may be open at once; {subject.linked} linked phones need about {needed}."
        return wrong("descriptors", sentence, f"ulimit -n {max(needed, 65536)}, or LimitNOFILE= in the systemd unit")
    return fine("descriptors", f"{allowed} files may be open at once.")


async def memory(subject: Subject) -> Finding:
    """There is memory for the phones that are linked."""
    available = _available_bytes(subject.machine.memory)
    per_worker = subject.config.engine.sessions_per_worker
    workers = -(-subject.linked // per_worker)
    needed = _DAEMON_BYTES + workers * _WORKER_BYTES + (subject.linked - workers) * _SESSION_BYTES
    if available is not None and available < needed:
        sentence = f"{available >> 20} MiB are free; {subject.linked} linked phones take about {needed >> 20} MiB."
        return advice("memory", sentence, "Fine if wagate runs. Else add memory, or set engine.sessions_per_worker.")
    return fine("memory", f"{needed >> 20} MiB are enough for {subject.linked} linked phones.")


async def systemd(subject: Subject) -> Finding:
    """A unit that is installed watches over the gateway."""
    unit = next((folder / _UNIT for folder in subject.machine.units if (folder / _UNIT).exists()), None)
    if unit is None:
        return fine("systemd", "No systemd unit is installed.")
    lines = {line.strip().partition("=")[0]: line.strip().partition("=")[2] for line in unit.read_text().splitlines()}
    missing = [name for name in ("WatchdogSec", "Restart", "StateDirectory") if not lines.get(name)]
    if lines.get("Type") != "notify":
        missing.insert(0, "Type=notify")
    if missing:
        sentence = f"{unit} lacks {', '.join(missing)}: a gateway that hangs or dies stays so."
        return advice("systemd", sentence, "Install systemd/wagate.service of this version.")
    return fine("systemd", f"{unit} watches over the gateway.")


def _available_bytes(path: Path) -> int | None:
    if not path.exists():
        return None
    for line in path.read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return None
