"""What happened in the life of one worker."""

from __future__ import annotations

import signal
from dataclasses import dataclass

from sessions.protocol import Fatal
from sessions.starting import Turn
from sessions.status import Reason
from sessions.tracking import TrackedSession


@dataclass
class Life:
    """One worker's life: whom it began with and what happened."""

    members: dict[str, TrackedSession]
    turn: Turn
    fatal: Fatal | None = None
    told_to_end: bool = False
    exit_status: int | None = None
    has_connected: bool = False
    was_killed_here: bool = False

    @property
    def is_refused(self) -> bool:
        """WhatsApp could not be reached."""
        return self.fatal is not None and self.fatal.reason is Reason.CONNECTION_REFUSED

    @property
    def was_killed_from_outside(self) -> bool:
        """Somebody else ended it: SIGKILL never comes from the engine's own mistakes."""
        return self.exit_status == -signal.SIGKILL and not self.was_killed_here
