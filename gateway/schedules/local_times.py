"""From the times on a wall clock to moments: what happens when clocks are changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from zoneinfo import ZoneInfo

#: No clock is put forward by more than this, as far as anybody has done it in this century.
WIDEST_CHANGE = timedelta(hours=3)


def moments(times: Iterable[datetime], zone: ZoneInfo, *, through_the_day: bool) -> Iterator[datetime]:
    """Moments in UTC, in order and each once, of times without a zone that are in order.

    A time that does not exist, because clocks went forward over it, comes as much later as clocks jumped. A time that
    comes twice counts once, the first time. Rules that go ``through_the_day`` mean every real hour instead: what does
    not exist is left out, since the hour after it comes anyway, and what comes twice counts twice.
    """
    waiting: list[datetime] = []
    latest: datetime | None = None
    for time in times:
        before, after = _at(time, zone, fold=0), _at(time, zone, fold=1)
        for moment in _meant(before, after, through_the_day=through_the_day):
            heappush(waiting, moment)
        # Nothing that is still to come can be earlier than this.
        floor = min(before, after)
        while waiting and waiting[0] <= floor:
            moment = heappop(waiting)
            if latest is None or moment > latest:
                yield moment
            latest = moment
    while waiting:
        moment = heappop(waiting)
        if latest is None or moment > latest:
            yield moment
        latest = moment


def on_the_wall(moment: datetime, zone: ZoneInfo) -> datetime:
    """What clocks in the zone show, without a zone."""
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)


def _meant(before: datetime, after: datetime, *, through_the_day: bool) -> Iterable[datetime]:
    is_gap, is_twice = before > after, before < after
    if not through_the_day:
        return (before,)
    if is_gap:
        return ()
    return (before, after) if is_twice else (before,)


def _at(time: datetime, zone: ZoneInfo, *, fold: int) -> datetime:
    """With fold 0 the offset before a change of clocks counts, with fold 1 the one after it."""
    return time.replace(tzinfo=zone, fold=fold).astimezone(UTC)
