"""What a check says, and what it is given to look at."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import msgspec

from gateway.config.settings import Config
from gateway.datafolder import DataFolder
from gateway.examining.work_store import Work
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


@dataclass(frozen=True, kw_only=True)
class Machine:
    """Where the checks look. Tests point it at places where the problem is real."""

    mounts: Path = Path("/proc/mounts")
    memory: Path = Path("/proc/meminfo")
    locks: Path = Path("/proc/locks")
    units: tuple[Path, ...] = (Path("/etc/systemd/system"), Path("/usr/lib/systemd/system"))
    whatsapp: tuple[str, int] = ("web.whatsapp.com", 443)


@dataclass(frozen=True, kw_only=True)
class Subject:
    """The gateway that is examined. ``work`` is what its store says; None where that cannot be read."""

    config: Config
    folder: DataFolder
    engine: Engine
    clock: Clock
    environment: Mapping[str, str]
    work: Work | None = None
    machine: Machine = field(default_factory=Machine)

    @property
    def linked(self) -> int:
        """How many phones are linked."""
        return 0 if self.work is None else sum(session.is_linked for session in self.work.sessions)


Check = Callable[[Subject], Awaitable[Finding]]


def fine(name: str, sentence: str) -> Finding:
    return Finding(name=name, verdict=Verdict.FINE, sentence=sentence)


def advice(name: str, sentence: str, remedy: str) -> Finding:
    return Finding(name=name, verdict=Verdict.ADVICE, sentence=sentence, remedy=remedy)


def wrong(name: str, sentence: str, remedy: str) -> Finding:
    return Finding(name=name, verdict=Verdict.WRONG, sentence=sentence, remedy=remedy)
