"""Profiles, people and channels: questions to WhatsApp, and news of what other devices changed."""

from __future__ import annotations

from gateway.assembly.fleet import Fleet
from gateway.assembly.ground import Ground
from gateway.assembly.messaging import Messaging
from gateway.assembly.platform import Platform
from gateway.channels.news import ChannelNews
from gateway.channels.routes import ChannelRoutes
from gateway.profiles.asking import Asking
from gateway.profiles.news import AccountNews
from gateway.profiles.people_routes import PeopleRoutes
from gateway.profiles.routes import ProfileRoutes
from sessions.events import (
    BlocklistChanged,
    ChannelJoined,
    ChannelLeft,
    ChannelMuted,
    ChannelUpdated,
    PictureChanged,
    PresenceChanged,
    PrivacyChanged,
    Typing,
)


def listen_to_people(platform: Platform, fleet: Fleet, messaging: Messaging) -> None:
    """Have reports about accounts, people and channels told."""
    account = AccountNews(events=platform.events, contacts=messaging.contacts, chats=messaging.chats)
    channels = ChannelNews(events=platform.events)
    fleet.intake.register(PresenceChanged, account.presence)
    fleet.intake.register(Typing, account.typing)
    fleet.intake.register(PictureChanged, account.picture)
    fleet.intake.register(PrivacyChanged, account.privacy)
    fleet.intake.register(BlocklistChanged, account.blocklist)
    fleet.intake.register(ChannelJoined, channels.joined)
    fleet.intake.register(ChannelLeft, channels.left)
    fleet.intake.register(ChannelMuted, channels.muted)
    fleet.intake.register(ChannelUpdated, channels.updated)


def people_tables(ground: Ground, fleet: Fleet, messaging: Messaging) -> list[object]:
    """Their route tables."""
    asking = Asking(database=ground.front, engine=fleet.engine, sessions=fleet.sessions, contacts=messaging.contacts)
    return [
        ProfileRoutes(database=ground.front, sessions=fleet.sessions, asking=asking),
        PeopleRoutes(asking=asking),
        ChannelRoutes(asking=asking),
    ]
