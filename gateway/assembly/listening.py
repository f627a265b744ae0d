"""The event log for callers: stream, socket, pages and named consumers."""

from __future__ import annotations

from gateway.assembly.ground import Ground
from gateway.assembly.platform import Platform
from gateway.events.asking import Asking
from gateway.events.consumer_routes import ConsumerRoutes
from gateway.events.consumers import Consumers
from gateway.events.pulling import PullDesk
from gateway.events.routes import EventRoutes
from gateway.events.socket_routes import SocketRoutes


def build_event_tables(ground: Ground, platform: Platform, asking: Asking) -> list[object]:
    """Every route table of the event log."""
    database, hub, streams, quota = ground.database, platform.hub, platform.streams, platform.quota
    consumers = Consumers(clock=ground.clock, ids=ground.ids, asking=asking)
    return [
        EventRoutes(database=database, hub=hub, streams=streams, asking=asking, quota=quota),
        SocketRoutes(
            doorkeeper=platform.doorkeeper,
            hub=hub,
            sockets=platform.sockets,
            asking=asking,
            quota=quota,
            tickets=platform.tickets,
        ),
        ConsumerRoutes(
            database=database,
            clock=ground.clock,
            consumers=consumers,
            desk=PullDesk(database=database, consumers=consumers, hub=hub),
            streams=streams,
            quota=quota,
        ),
    ]
