"""Where people live, as far as a clock is concerned, and when their day and their night begin."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers
from phonenumbers import timezone as number_zones

from gateway.contacts.models import Contact
from gateway.fleet.models import Session
from gateway.pacing.settings import Pace

_UNKNOWN = "Etc/Unknown"
_NUMBERS_KEPT = 4096
#: A country so wide that somebody is always asleep in it: then the session's own zone has to do.
_LONGEST_SEARCH = timedelta(hours=48)


def zone_of_session(session: Session, pace: Pace) -> ZoneInfo:
    """Where the session's day begins: as set, else where its number is from."""
    if pace.timezone:
        return ZoneInfo(pace.timezone)
    zones = zones_of_number(session.phone) if session.phone else ()
    return zones[0] if zones else ZoneInfo("UTC")


def zones_of_contact(contact: Contact, *, otherwise: ZoneInfo) -> Sequence[ZoneInfo]:
    """Where a person may live: what we were told, else every zone that the number allows."""
    if contact.timezone:
        return (ZoneInfo(contact.timezone),)
    found = zones_of_number(contact.phone) if contact.phone else ()
    return found or (otherwise,)


@lru_cache(maxsize=_NUMBERS_KEPT)
def zones_of_number(phone: str) -> tuple[ZoneInfo, ...]:
    """The zones that a number in E.164 is used in; none for numbers that say nothing of it."""
    try:
        names = number_zones.time_zones_for_number(phonenumbers.parse(phone, None))
    except phonenumbers.NumberParseException:
        return ()
    return tuple(zone for name in names if (zone := _zone(name)) is not None)


def _zone(name: str) -> ZoneInfo | None:
    if name == _UNKNOWN:
        return None
    try:
        return ZoneInfo(name)
    except ZoneInfoNotFoundError:
        return None


def day_in(zone: ZoneInfo, at: datetime) -> date:
    """The date that a wall calendar shows there."""
    return at.astimezone(zone).date()


def next_day_in(zone: ZoneInfo, at: datetime) -> datetime:
    """When the next day begins there, in UTC. Where a clock change skips midnight, the first moment after it."""
    tomorrow = day_in(zone, at) + timedelta(days=1)
    return _moment(tomorrow, time(0), zone, after=at)


def quiet_until(
    at: datetime, *, begin: time, end: time, zones: Sequence[ZoneInfo], otherwise: ZoneInfo
) -> datetime | None:
    """When it is day in all of these zones; None where it is now."""
    moment = _search(at, begin, end, zones)
    if moment is None:
        moment = _search(at, begin, end, (otherwise,))
    assert moment is not None, "in a single zone every night has an end"
    return None if moment == at else moment


def _search(at: datetime, begin: time, end: time, zones: Sequence[ZoneInfo]) -> datetime | None:
    moment = at
    while moment - at <= _LONGEST_SEARCH:
        ends = [_night_end(moment, begin, end, zone) for zone in zones]
        latest = max((one for one in ends if one is not None), default=None)
        if latest is None:
            return moment
        moment = latest
    return None


def _night_end(at: datetime, begin: time, end: time, zone: ZoneInfo) -> datetime | None:
    """The end of the night that a moment falls in, or None by day."""
    local = at.astimezone(zone)
    now = local.time()
    is_night = begin <= now < end if begin < end else now >= begin or now < end
    if not is_night:
        return None
    last_day = local.date() if now < end else local.date() + timedelta(days=1)
    return _moment(last_day, end, zone, after=at)


def _moment(day: date, hour: time, zone: ZoneInfo, *, after: datetime) -> datetime:
    """A wall clock's time in UTC. Where it comes twice, the first one that is still to come."""
    first = datetime.combine(day, hour, tzinfo=zone).astimezone(UTC)
    return first if first > after else datetime.combine(day, hour.replace(fold=1), tzinfo=zone).astimezone(UTC)
