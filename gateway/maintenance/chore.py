"""What a chore is."""

from __future__ import annotations

from typing import Protocol


class Chore(Protocol):
    """Something that is done now and then. Doing it once more, or not at all for a while, does no harm."""

    @property
    def name(self) -> str:
        """What the timetable, logs and metrics call it."""

    async def run_once(self) -> int:
        """Do what is due; give how many things were dealt with."""
