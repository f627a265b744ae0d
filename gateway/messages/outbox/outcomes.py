"""What an error of the engine means for the message that was being sent."""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum

from sessions.errors import (
    BusyError,
    EngineError,
    NotConnectedError,
    NotPairedError,
    NotRunningError,
    SessionError,
    StoreError,
)

FIRST_DELAY_SECONDS = 2.0
LONGEST_DELAY_SECONDS = 300.0
FIRST_BUSY_DELAY_SECONDS = 60.0
LONGEST_BUSY_DELAY_SECONDS = 3600.0
FIRST_WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 60.0
MOST_ATTEMPTS = 8


class Fate(StrEnum):
    """What becomes of a message after a try that was not answered with yes."""

    WAIT = "wait"  #: the session cannot send now; the message keeps its place, the try does not count
    AGAIN = "again"  #: try again after ``delay_seconds``
    FAIL = "fail"
    LOOK = "look"  #: ask the key store whether it reached the wire


@dataclass(frozen=True, kw_only=True)
class Judgement:
    fate: Fate
    delay_seconds: float = 0.0
    rests_lane: bool = False  #: the whole session shall wait, not just this chat
    fails_if_absent: bool = False  #: the call is over: what the key store does not know by now has failed


def judge(
    error: SessionError, *, attempts: int, chance: random.Random, strikes: int = 1, is_stuck: bool = False
) -> Judgement:
    """Read an error after the given number of tries, the present one included.

    ``strikes``: how often in a row the session was told to wait. ``is_stuck``: the session is well, so that it is the
    message itself that cannot go.
    """
    if not is_stuck and isinstance(error, (NotConnectedError, NotRunningError, NotPairedError, StoreError)):
        delay = backoff(strikes, FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS, chance)
        return Judgement(fate=Fate.WAIT, delay_seconds=delay, rests_lane=True)
    if error.wire == "maybe":
        return Judgement(fate=Fate.LOOK, fails_if_absent=isinstance(error, EngineError))
    if not error.retryable or attempts >= MOST_ATTEMPTS:
        return Judgement(fate=Fate.FAIL)
    if isinstance(error, BusyError):
        times = max(attempts, strikes)
        delay = backoff(times, FIRST_BUSY_DELAY_SECONDS, LONGEST_BUSY_DELAY_SECONDS, chance)
        return Judgement(fate=Fate.AGAIN, delay_seconds=delay, rests_lane=True)
    return Judgement(
        fate=Fate.AGAIN, delay_seconds=backoff(attempts, FIRST_DELAY_SECONDS, LONGEST_DELAY_SECONDS, chance)
    )


def backoff(attempts: int, first_seconds: float, longest_seconds: float, chance: random.Random) -> float:
    """Twice as long after every try, up to a limit, give or take a fifth."""
    delay: float = min(first_seconds * 2.0 ** min(max(attempts - 1, 0), 30), longest_seconds)
    return delay * chance.uniform(0.8, 1.2)
