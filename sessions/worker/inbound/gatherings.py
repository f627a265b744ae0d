"""Reads appointments and albums that arrive."""

from __future__ import annotations

from typing import Any

from sessions.content import Album, CalendarEvent, Location
from sessions.worker.jids import finite, text


def read_event(part: Any, view_once: bool) -> CalendarEvent:
    return CalendarEvent(
        name=text(part.name),
        starts_at=float(part.startTime),
        ends_at=float(part.endTime) if part.endTime else None,
        description=text(part.description) or None,
        place=_place(part.location) if part.HasField("location") else None,
        join_link=text(part.joinLink) or None,
        guests_allowed=part.extraGuestsAllowed,
        cancelled=part.isCanceled,
    )


def read_album(part: Any, view_once: bool) -> Album:
    return Album(images=part.expectedImageCount, videos=part.expectedVideoCount)


def _place(part: Any) -> Location:
    return Location(
        latitude=finite(part.degreesLatitude), longitude=finite(part.degreesLongitude), name=text(part.name) or None
    )
