"""How long a person would have typed."""

from __future__ import annotations

import random
from typing import Final

from gateway.pacing.settings import Pace

#: Also a picture without words takes a moment to choose.
LEAST_SECONDS: Final = 0.8
_VARIATION: Final = 0.25


def typing_seconds(pace: Pace, *, wanted: bool | None, length: int, chance: random.Random) -> float:
    """For how long to show "typing ..." before a text of this length; 0 for not at all.

    ``wanted`` is what the message itself says, None leaves it to the session.
    """
    if not (pace.typing if wanted is None else wanted):
        return 0.0
    seconds = max(length / pace.typing_characters_per_second, LEAST_SECONDS)
    return min(seconds * chance.uniform(1 - _VARIATION, 1 + _VARIATION), pace.typing_most_seconds)
