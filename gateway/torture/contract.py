"""What a torture is, what it is given and what it answers. One file holds one torture, listed in the catalogue."""

from __future__ import annotations

import random
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One line of an answer: what was measured, and what is promised about it, if anything."""

    name: str
    measured: float
    unit: str = ""
    at_most: float | None = None
    at_least: float | None = None
    note: str = ""

    @property
    def kept(self) -> bool | None:
        """Whether the promise is kept; None where nothing is promised."""
        if self.at_most is None and self.at_least is None:
            return None
        is_low_enough = self.at_most is None or self.measured <= self.at_most
        is_high_enough = self.at_least is None or self.measured >= self.at_least
        return is_low_enough and is_high_enough


@dataclass(frozen=True, kw_only=True)
class Ordeal:
    """What a torture is given: how much to do, a folder of its own, chance, and somebody to tell how it goes."""

    folder: Path
    scale: float = 1.0  #: 1.0 is the size that the promises are stated for
    chance: random.Random = field(default_factory=lambda: random.Random(7))
    quiet: bool = False

    def times(self, full: int) -> int:
        """How often to do what is done ``full`` times at full size; at least once."""
        return max(1, round(full * self.scale))

    def tell(self, progress: str) -> None:
        """Say how far it is, on standard error: the answer alone is for standard output."""
        if not self.quiet:
            sys.stderr.write(f"{progress}\n")
            sys.stderr.flush()


@dataclass(frozen=True, kw_only=True)
class Torture:
    """A name for the command line, a sentence for people, and what to do."""

    name: str
    sentence: str
    run: Callable[[Ordeal], Awaitable[Sequence[Claim]]]
