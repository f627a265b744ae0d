"""Parts of a request that say everything by themselves, as content."""

from __future__ import annotations

from gateway.kit.errors import UnsupportedError
from gateway.messages.parts import (
    AlbumIn,
    ContactsIn,
    EventIn,
    Given,
    LiveLocationIn,
    LocationIn,
    MenuIn,
    PollIn,
    TextIn,
    TimerIn,
)
from sessions.content import (
    Album,
    CalendarEvent,
    ContactCard,
    Contacts,
    Content,
    LiveLocation,
    Location,
    Menu,
    MenuOption,
    Poll,
    Text,
    Timer,
)


def plain_content(part: Given) -> Content | None:
    """The content of a part; None for those about an earlier message, which only a transaction can find."""
    match part:
        case TextIn():
            return Text(body=part.body)
        case LocationIn():
            return Location(latitude=part.latitude, longitude=part.longitude, name=part.name, address=part.address)
        case LiveLocationIn():
            return LiveLocation(**part.model_dump())
        case ContactsIn():
            return Contacts(cards=tuple(ContactCard(name=card.name, vcard=card.vcard) for card in part.cards))
        case PollIn():
            return Poll(question=part.question, options=tuple(part.options), selectable=part.selectable)
        case EventIn():
            return _event(part)
        case MenuIn():
            return _menu(part)
        case AlbumIn():
            images = sum(item.image is not None for item in part.items)
            return Album(images=images, videos=len(part.items) - images)
        case TimerIn():
            return Timer(seconds=part.seconds)
    return None


def _event(part: EventIn) -> CalendarEvent:
    place = part.place
    return CalendarEvent(
        name=part.name,
        description=part.description,
        starts_at=part.starts_at.timestamp(),
        ends_at=part.ends_at.timestamp() if part.ends_at is not None else None,
        place=Location(latitude=place.latitude, longitude=place.longitude, name=place.name) if place else None,
        join_link=part.join_link,
        guests_allowed=part.guests_allowed,
    )


def _menu(part: MenuIn) -> Menu:
    if part.style == "buttons":
        raise UnsupportedError(
            "WhatsApp does not show buttons and lists of linked devices reliably. Send the menu with style text."
        )
    options = (MenuOption(id=option.id, title=option.title, description=option.description) for option in part.options)
    return Menu(body=part.body, options=tuple(options), footer=part.footer)
