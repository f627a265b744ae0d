"""Builds places and people: locations and contact cards."""

from __future__ import annotations

from typing import Any

from sessions.content import ContactCard, Contacts, LiveLocation, Location
from sessions.worker.outbound.parts import e2e, given


def build_location(content: Location, context: dict[str, Any]) -> Any:
    location = e2e.LocationMessage(
        degreesLatitude=content.latitude,
        degreesLongitude=content.longitude,
        **given(name=content.name, address=content.address),
    )
    if context:
        location.contextInfo.CopyFrom(e2e.ContextInfo(**context))
    return e2e.Message(locationMessage=location)


def build_live_location(content: LiveLocation, context: dict[str, Any]) -> Any:
    location = e2e.LiveLocationMessage(
        degreesLatitude=content.latitude,
        degreesLongitude=content.longitude,
        sequenceNumber=content.sequence,
        **given(
            accuracyInMeters=content.accuracy_meters,
            speedInMps=content.speed_mps,
            degreesClockwiseFromMagneticNorth=content.heading_degrees,
            caption=content.caption,
        ),
    )
    if context:
        location.contextInfo.CopyFrom(e2e.ContextInfo(**context))
    return e2e.Message(liveLocationMessage=location)


def build_contacts(content: Contacts, context: dict[str, Any]) -> Any:
    cards = [_card(card) for card in content.cards]
    if len(cards) == 1:
        if context:
            cards[0].contextInfo.CopyFrom(e2e.ContextInfo(**context))
        return e2e.Message(contactMessage=cards[0])
    contacts = e2e.ContactsArrayMessage(displayName=f"{len(cards)} contacts", contacts=cards)
    if context:
        contacts.contextInfo.CopyFrom(e2e.ContextInfo(**context))
    return e2e.Message(contactsArrayMessage=contacts)


def _card(card: ContactCard) -> Any:
    return e2e.ContactMessage(displayName=card.name, vcard=card.vcard)
