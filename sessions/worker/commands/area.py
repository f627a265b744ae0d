"""What a command needs of its session, and how an area says what it can do."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sessions.address import Address
from sessions.commands.base import Command
from sessions.commands.every import AnyResult
from sessions.worker.guard import people
from sessions.worker.guard.handle import Handle


@dataclass(frozen=True, kw_only=True)
class Desk:
    """What commands are carried out with."""

    handle: Handle
    qr_shown: threading.Event
    clock: Callable[[], float]

    def resolve(self, who: Address) -> Address:
        """Fill in a person's other name, if the engine knows it."""
        known = who.pn or who.lid
        if known is None or (who.pn and who.lid):
            return who
        return Address.of(who.pn, who.lid, people.other_name(self.handle, known))


@dataclass(frozen=True, kw_only=True)
class Area:
    """Commands that belong together. Each function blocks, gives a result or raises a ``SessionError``."""

    #: Each takes the desk and a command of its type; a command without an answer gives None.
    does: dict[type[Command], Callable[[Desk, Any], AnyResult | None]]
    #: These end only when WhatsApp has answered, which proves that the line is alive.
    answered_by_whatsapp: frozenset[type[Command]] = frozenset()
    #: These are carried out one after another, in the order in which they were asked for.
    in_order: frozenset[type[Command]] = frozenset()
