"""Reads places and people that arrive: locations and contact cards."""

from __future__ import annotations

from typing import Any

from sessions.content import ContactCard, Contacts, LiveLocation, Location
from sessions.worker.jids import finite, text


def read_location(part: Any, view_once: bool) -> Location:
    return Location(
        latitude=finite(part.degreesLatitude),
        longitude=finite(part.degreesLongitude),
        name=text(part.name) or None,
        address=text(part.address) or None,
    )


def read_live_location(part: Any, view_once: bool) -> LiveLocation:
    return LiveLocation(
        latitude=finite(part.degreesLatitude),
        longitude=finite(part.degreesLongitude),
        accuracy_meters=part.accuracyInMeters if part.HasField("accuracyInMeters") else None,
        speed_mps=finite(part.speedInMps) if part.HasField("speedInMps") else None,
        heading_degrees=(
            part.degreesClockwiseFromMagneticNorth if part.HasField("degreesClockwiseFromMagneticNorth") else None
        ),
        caption=text(part.caption) or None,
        sequence=part.sequenceNumber,
    )


def read_contact(part: Any, view_once: bool) -> Contacts:
    return Contacts(cards=(_card(part),))


def read_contacts(part: Any, view_once: bool) -> Contacts:
    return Contacts(cards=tuple(_card(contact) for contact in part.contacts))


def _card(part: Any) -> ContactCard:
    return ContactCard(name=text(part.displayName), vcard=text(part.vcard))
