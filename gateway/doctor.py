"""Looks at this machine the way the gateway will use it, and says what to do about what it finds."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

import msgspec

import gateway
from gateway.config.settings import Config
from gateway.db.migrate import current, head
from gateway.health import LEAST_FREE_BYTES
from gateway.kit.clock import Clock
from sessions.engine import Engine


class Verdict(StrEnum):
    FINE = "fine"
    ADVICE = "advice"  #: it works, but something is missing or unusual
    WRONG = "wrong"  #: the gateway will not work like this


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at; ``remedy`` says what to do where it is not fine."""

    name: str
    verdict: Verdict
    sentence: str
    remedy: str = ""


class Doctor:
    """Runs every check; none of them changes anything."""

    def __init__(self, *, config: Config, engine: Engine, clock: Clock) -> None:
        self._config = config
        self._engine = engine
        self._clock = clock

    async def examine(self) -> list[Finding]:
        """Everything there is to say."""
        checks: list[Callable[[], Awaitable[Finding]]] = [
            self.engine,
            self.store,
            self.data_folder,
            self.disk,
            self.port,
            self.ffmpeg,
            self.clock,
        ]
        return [await check() for check in checks]

    async def engine(self) -> Finding:
        """The WhatsApp library is there, whole, and answers."""
        problems = await self._engine.self_check()
        if problems:
            return _wrong("engine", "; ".join(problems), "Install wagate again: pip install --force-reinstall wagate")
        return _fine("engine", "The WhatsApp library is whole and answers.")

    async def store(self) -> Finding:
        """The database can be reached and is not ahead of this version."""
        try:
            step = await current(self._config.database_url) if self._store_exists() else None
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the finding
            first_line = str(getattr(error, "orig", None) or error).partition("\n")[0]
            return _wrong("store", f"The store cannot be opened: {first_line}", "Check store.url and the server.")
        if step is None:
            return _fine("store", "There is no database yet; `wagate serve` makes it.")
        if step != head():
            return _advice("store", f"The database is at schema {step}, this version has {head()}.", "wagate migrate")
        return _fine("store", f"The database is at schema {step}.")

    def _store_exists(self) -> bool:
        is_own_file = not self._config.store.url and not self._config.store.url_file
        return not is_own_file or (self._config.store.data_folder / "wagate.db").exists()

    async def data_folder(self) -> Finding:
        """The data folder is ours alone."""
        folder = self._config.store.data_folder
        if not folder.exists():
            return _fine("data folder", f"{folder} does not exist yet; `wagate serve` makes it.")
        mode = folder.stat().st_mode & 0o777
        if mode & 0o077:
            return _advice("data folder", f"{folder} holds keys and others may read it.", f"chmod 700 {folder}")
        if not os.access(folder, os.W_OK):
            return _wrong("data folder", f"{folder} cannot be written to.", "Run as its owner, or change its owner.")
        return _fine("data folder", f"{folder} is private.")

    async def disk(self) -> Finding:
        """There is room."""
        folder = _existing(self._config.store.data_folder.absolute())
        free = (await asyncio.to_thread(shutil.disk_usage, folder)).free
        if free < LEAST_FREE_BYTES:
            return _wrong("disk", f"Only {free >> 20} MiB are free at {folder}.", "Make room.")
        return _fine("disk", f"{free >> 30} GiB are free at {folder}.")

    async def port(self) -> Finding:
        """Nobody else has the port."""
        host, port = self._config.http.host, self._config.http.port
        try:
            with socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET):
                return _fine("port", f"Port {port} on {host} is free.")
        except OSError as error:
            return _advice(
                "port", f"Port {port} on {host}: {error.strerror}.", "Fine if wagate runs; else set http.port."
            )

    async def ffmpeg(self) -> Finding:
        """Voice notes can be made from any sound."""
        if shutil.which("ffmpeg") is None:
            sentence = "ffmpeg is not installed; voice notes must be uploaded as Ogg Opus."
            return _advice("ffmpeg", sentence, "apt install ffmpeg")
        return _fine("ffmpeg", "ffmpeg is installed; any sound can become a voice note.")

    async def clock(self) -> Finding:
        """WhatsApp refuses a host whose clock is far off."""
        installed = datetime.fromtimestamp(Path(gateway.__file__).stat().st_mtime, UTC)
        if self._clock.now() < installed:
            return _wrong("clock", "The clock stands before the day this version was installed.", "Set it: timedatectl")
        return _fine("clock", f"It is {self._clock.now():%Y-%m-%d %H:%M} UTC.")


def _existing(folder: Path) -> Path:
    while not folder.exists():
        folder = folder.parent
    return folder


def _fine(name: str, sentence: str) -> Finding:
    return Finding(name=name, verdict=Verdict.FINE, sentence=sentence)


def _advice(name: str, sentence: str, remedy: str) -> Finding:
    return Finding(name=name, verdict=Verdict.ADVICE, sentence=sentence, remedy=remedy)


def _wrong(name: str, sentence: str, remedy: str) -> Finding:
    return Finding(name=name, verdict=Verdict.WRONG, sentence=sentence, remedy=remedy)
