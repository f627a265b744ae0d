"""What the engine in memory keeps of phones and sessions."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from sessions.address import Address
from sessions.commands.every import AnyCommand
from sessions.content import Envelope, Sent
from sessions.errors import SessionError
from sessions.tracking import TrackedSession


@dataclass(frozen=True)
class FakePhone:
    """A phone in memory, under both of its names."""

    number: str  #: E.164 with plus
    name: str
    address: Address


@dataclass
class FakeSession:
    """What the fake knows of one session beyond what a supervisor would."""

    tracked: TrackedSession
    phone: FakePhone | None = None
    qr: str | None = None
    pair_code: str | None = None
    wanted: bool = False
    seq: int = 0
    sent: list[tuple[Envelope, Sent]] = field(default_factory=list)
    asked: list[AnyCommand] = field(default_factory=list)
    failures: deque[tuple[SessionError, bool]] = field(default_factory=deque)
