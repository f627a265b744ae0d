"""What to do about times that have come: which are fired, and which are said to be missed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from gateway.schedules.models import Misfire
from gateway.schedules.recurrence import Recurrence

#: After a long silence nobody wants more messages than these at once, whatever the policy.
MOST_CAUGHT_UP = 100


@dataclass(frozen=True, kw_only=True)
class Step:
    """One due row dealt with: ``due_at`` is the time (of a stretch that is missed, the last one)."""

    first_due_at: datetime  #: what ``next_at`` of the schedule must say, or somebody else has taken this step
    due_at: datetime
    is_fired: bool
    times: int
    next_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Policy:
    """How a schedule catches up."""

    misfire: str
    grace: timedelta

    def chosen(self, dues: Sequence[datetime], now: datetime) -> frozenset[datetime]:
        """Those of the times that have come that are fired."""
        on_time = [due for due in dues if now - due <= self.grace]
        late = dues[: len(dues) - len(on_time)]
        if self.misfire == Misfire.ALL:
            return frozenset(dues[-MOST_CAUGHT_UP:])
        if self.misfire == Misfire.LATEST and not on_time:
            return frozenset(late[-1:])
        return frozenset(on_time[-MOST_CAUGHT_UP:])


def plan(
    recurrence: Recurrence, policy: Policy, *, next_at: datetime, now: datetime, left: int | None
) -> Iterator[Step]:
    """The steps from the due row to the present. ``left`` is how many times the schedule still has."""
    dues, following = _dues(recurrence, next_at=next_at, now=now, left=left)
    chosen = policy.chosen(dues, now)
    stretches = [list(group) for _, group in groupby(dues, key=lambda due: due if due in chosen else None)]
    for number, stretch in enumerate(stretches):
        is_last = number == len(stretches) - 1
        yield Step(
            first_due_at=stretch[0],
            due_at=stretch[-1],
            is_fired=stretch[0] in chosen,
            times=len(stretch),
            next_at=following if is_last else stretches[number + 1][0],
        )


def _dues(
    recurrence: Recurrence, *, next_at: datetime, now: datetime, left: int | None
) -> tuple[list[datetime], datetime | None]:
    """The times that have come, and the first that has not."""
    dues = [next_at]
    for moment in recurrence.after(next_at):
        if left is not None and len(dues) >= left:
            return dues, None
        if moment > now:
            return dues, moment
        dues.append(moment)
    return dues, None
