"""The door for programs that were written for Meta's Cloud API."""

from __future__ import annotations

from gateway.assembly.fleet import Fleet
from gateway.assembly.ground import Ground
from gateway.assembly.messaging import Messaging
from gateway.cloud.media_routes import CloudMediaRoutes
from gateway.cloud.reading import Reading
from gateway.cloud.routes import CloudMessageRoutes
from gateway.messages.marking import ReadMarker
from gateway.messages.sending import Sender


def cloud_tables(ground: Ground, fleet: Fleet, messaging: Messaging) -> list[object]:
    """Its route tables."""
    database, contacts = ground.front, messaging.contacts
    marker = ReadMarker(
        database=database, engine=fleet.engine, clock=ground.clock, contacts=contacts, chats=messaging.chats
    )
    return [
        CloudMessageRoutes(
            database=database,
            sessions=fleet.sessions,
            sender=Sender(database=database, messages=messaging.messages, composer=messaging.composer),
            reading=Reading(
                database=database,
                engine=fleet.engine,
                messages=messaging.messages,
                contacts=contacts,
                marker=marker,
            ),
        ),
        CloudMediaRoutes(
            database=database,
            sessions=fleet.sessions,
            library=messaging.filing.library,
            keeper=messaging.filing.keeper,
            public_url=ground.config.http.public_url or None,
        ),
    ]
